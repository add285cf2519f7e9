"""The tables of resource types against AWS's own schemas, as cfn-lint carries them."""

from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]  # cfn-lint has no type information

from localcloud.cloudformation.resource_type import ResourceType, all_types

WITHOUT_A_REAL_SCHEMA = {"AWS::CDK::Metadata", "AWS::CloudFormation::CustomResource"}
TYPES = [one for name, one in sorted(all_types().items()) if name not in WITHOUT_A_REAL_SCHEMA]


def schema_of(kind: ResourceType) -> dict[str, Any]:
    return dict(PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind.name).schema)


def names(schema: dict[str, Any], section: str) -> set[str]:
    return {path.removeprefix("/properties/").replace("/", ".") for path in schema.get(section, [])}


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_every_property_that_is_carried_out_exists(kind: ResourceType) -> None:
    assert kind.properties | kind.without_effect <= set(schema_of(kind)["properties"])


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_every_attribute_is_one_that_aws_gives(kind: ResourceType) -> None:
    schema = schema_of(kind)
    known = names(schema, "readOnlyProperties") | set(schema["properties"]) | {"TableId"}  # a table's, in newer schemas
    assert kind.attributes <= known


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_a_property_that_aws_only_sets_at_creation_makes_a_new_resource(kind: ResourceType) -> None:
    created = names(schema_of(kind), "createOnlyProperties") & kind.properties
    assert all(kind.needs_replacement({name: "old"}, {name: "new"}) for name in created)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_a_type_that_is_always_replaced_has_nothing_that_aws_updates(kind: ResourceType) -> None:
    if kind.update is None:
        assert kind.properties <= names(schema_of(kind), "createOnlyProperties")
