"""The tables of resource types against AWS's own schemas, as cfn-lint carries them."""

import re
from typing import Any

import boto3
import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]  # cfn-lint has no type information

from localcloud.cloudformation.resource_type import ResourceType, all_types

WITHOUT_A_REAL_SCHEMA = {"AWS::CDK::Metadata", "AWS::CloudFormation::CustomResource"}
TYPES = [one for name, one in sorted(all_types().items()) if name not in WITHOUT_A_REAL_SCHEMA]


def schema_of(kind: ResourceType) -> dict[str, Any]:
    return dict(PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind.name).schema)


def names(schema: dict[str, Any], section: str) -> set[str]:
    return {path.removeprefix("/properties/").replace("/", ".") for path in schema.get(section, [])}


# Properties that AWS replaces a resource for under conditions that its schema does not tell.
CONDITIONAL = {
    "AWS::DynamoDB::Table": {"LocalSecondaryIndexes"},  # "conditional" only in the newer schema of GlobalTable
}
# Properties that functions of a row carry out, not its calls.
BY_FUNCTIONS = {
    "AWS::IAM::ManagedPolicy": {"Groups", "Roles", "Users"},
    "AWS::IAM::Role": {"ManagedPolicyArns", "Policies"},
    "AWS::KMS::Key": {"Enabled", "EnableKeyRotation", "RotationPeriodInDays"},
    "AWS::StepFunctions::StateMachine": {"DefinitionS3Location", "DefinitionString", "DefinitionSubstitutions"},
}


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_every_property_exists_and_exactly_those_that_aws_requires_are_required(kind: ResourceType) -> None:
    schema = schema_of(kind)
    assert kind.properties | kind.without_effect <= set(schema["properties"])
    assert kind.required == set(schema.get("required") or [])


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_every_attribute_is_one_that_aws_gives(kind: ResourceType) -> None:
    schema = schema_of(kind)
    assert set(kind.attributes) <= names(schema, "readOnlyProperties") | set(schema["properties"])


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_a_resource_is_replaced_for_the_properties_that_aws_replaces_it_for(kind: ResourceType) -> None:
    schema, accepted = schema_of(kind), kind.properties | kind.without_effect
    created = {name.partition(".")[0] for name in names(schema, "createOnlyProperties")} & accepted
    conditional = names(schema, "conditionalCreateOnlyProperties") | CONDITIONAL.get(kind.name, set())
    assert created <= kind.replaced_by <= created | (conditional & accepted)
    assert not kind.unchangeable & kind.replaced_by


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_what_aws_tags_takes_tags_and_changes_them(kind: ResourceType) -> None:
    assert ("Tags" in kind.properties | kind.without_effect) == ("Tags" in schema_of(kind)["properties"])
    has_setting = any(setting.property == "Tags" for setting in kind.settings)
    assert ("Tags" in kind.properties) == (bool(kind.tagged) or has_setting)


@pytest.mark.parametrize("kind", [one for one in TYPES if isinstance(one.create, str)], ids=lambda kind: kind.name)
def test_no_property_is_accepted_and_then_lost(kind: ResourceType) -> None:
    client = boto3.client(kind.service, "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    calls = [kind.create, kind.update, kind.delete, *(call for one in kind.settings for call in (one.put, one.remove))]
    used = {kind.name_property}
    for call in (one for one in calls if isinstance(one, str) and one):
        operation, *arguments = call.split()
        shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape
        used |= set(re.findall(r"{(\w+)", call)) | {one for one in arguments if one.isalpha()}
        if "*" in arguments:
            members = {name.lower() for name in shape.members}
            used |= {name for name in kind.properties if name.lower() in members}
    assert kind.properties - used - {"Tags"} == BY_FUNCTIONS.get(kind.name, set())
