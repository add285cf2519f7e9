"""A model with a feature store: what holds the records, who fills it, and what each may do."""

import shutil
from typing import Any

import pytest

from stacks.synthesis import synthesize
from stacks.wildcards import STORING, WILDCARDS
from tests.infra.checks import data_flow, permissions
from tests.infra.conftest import TINY, Assembly, Resource
from trimtab.spec import load_spec_file
from trimtab.spec.stored import feature_group

STACK = "trimtab-dev-model-tiny"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    folder = tmp_path_factory.mktemp("stored")
    shutil.copytree(TINY, folder / "tiny", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "tiny" / "model.yaml").open("a") as spec:
        spec.write("features: {store: true}\n")
    return Assembly(folder / "out", synthesize(folder / "out", models=[str(folder / "tiny")]))


def of_the_store(assembly: Assembly, type: str) -> list[Resource]:
    return [found for found in assembly.resources(type) if found.id.startswith("Store")]


def allowed_to(assembly: Assembly, function: str) -> set[tuple[str, str]]:
    """Action and resource of all that a function of the store may do, but to log and trace."""
    (found,) = [each for each in of_the_store(assembly, "AWS::Lambda::Function") if function in each.id]
    statements = permissions.policies_of(assembly.templates[STACK], found.properties["Role"]["Fn::GetAtt"][0])
    return {
        (action, resource)
        for each in statements
        if each.effect == "Allow"
        for action in each.actions
        for resource in each.resources
        if not action.startswith(("xray:", "logs:"))
    }


def test_models_without_a_store_have_none_of_it(assembly: Assembly) -> None:
    assert assembly.resources("AWS::SageMaker::FeatureGroup") == []
    assert of_the_store(assembly, "AWS::Lambda::Function") == []


def test_both_stores_are_encrypted_with_the_key_of_the_artifacts_and_hold_neither_label_nor_table(
    stored: Assembly,
) -> None:
    (group,) = stored.resources("AWS::SageMaker::FeatureGroup")
    said: dict[str, Any] = group.properties
    offline, online = said["OfflineStoreConfig"], said["OnlineStoreConfig"]
    assert "ArtifactsEncryptionKey" in str(online["SecurityConfig"]["KmsKeyId"])
    assert online["SecurityConfig"]["KmsKeyId"] == offline["S3StorageConfig"]["KmsKeyId"]
    assert offline["DisableGlueTableCreation"] is True
    assert str(offline["S3StorageConfig"]["S3Uri"]).endswith("/tiny/features']]}")
    types = {each["FeatureName"]: each["FeatureType"] for each in said["FeatureDefinitions"]}
    assert types == {
        "id": "Integral", "at": "String", "load": "Fractional", "heat": "Fractional", "age": "Integral",
        "site": "String", "accepted_seq": "Integral",
    }  # fmt: skip


def test_other_columns_make_another_group(stored: Assembly) -> None:
    (group,) = stored.resources("AWS::SageMaker::FeatureGroup")
    spec = load_spec_file(stored.folder.parent / "tiny" / "model.yaml")
    assert group.properties["FeatureGroupName"] == feature_group("trimtab-dev-tiny", spec)
    columns = {name: column for name, column in spec.data.columns.items() if name != "heat"}
    narrower = spec.model_copy(update={"data": spec.data.model_copy(update={"columns": columns})})
    assert feature_group("trimtab-dev-tiny", narrower) != group.properties["FeatureGroupName"]


def test_who_writes_records_cannot_read_them_and_who_reads_cannot_write(stored: Assembly) -> None:
    writing, reading = allowed_to(stored, "StoreFeatures"), allowed_to(stored, "ScoreRecords")
    group = stored.resources("AWS::SageMaker::FeatureGroup")[0].properties["FeatureGroupName"]
    records = {(action, resource) for action, resource in writing | reading if "feature-group" in resource}
    assert {action for action, _ in records} == {"sagemaker:PutRecord", "sagemaker:BatchGetRecord"}
    assert all(resource.endswith(f"feature-group/{group}") for _, resource in records)
    assert ("sagemaker:BatchGetRecord" in dict(writing), "sagemaker:PutRecord" in dict(reading)) == (False, False)
    assert {action for action, _ in reading} == {"sagemaker:BatchGetRecord", "sagemaker:InvokeEndpoint", "kms:Decrypt"}


def test_sagemaker_writes_the_offline_store_under_a_role_that_can_do_no_more(stored: Assembly) -> None:
    (group,) = stored.resources("AWS::SageMaker::FeatureGroup")
    role = group.properties["RoleArn"]["Fn::GetAtt"][0]
    statements = permissions.policies_of(stored.templates[STACK], role)
    objects = {resource for each in statements for resource in each.resources if resource.endswith("*")}
    assert {action for each in statements for action in each.actions} == {
        "s3:PutObject", "s3:AbortMultipartUpload", "s3:PutObjectAcl", "s3:GetBucketAcl", "kms:GenerateDataKey",
        "kms:Decrypt",
    }  # fmt: skip
    assert all(resource.endswith("/tiny/features/*") for resource in objects)


def test_every_wildcard_has_a_reason_and_every_reason_a_wildcard(stored: Assembly) -> None:
    roles = [each.id for each in of_the_store(stored, "AWS::IAM::Role")]
    wild = {
        (action, resource)
        for role in roles
        for each in permissions.policies_of(stored.templates[STACK], role)
        if each.effect == "Allow"
        for action in each.actions
        for resource in each.resources
        if "*" in resource
    }
    assert {each for each in wild if not any(known.covers(*each) for known in (*WILDCARDS, *STORING))} == set()
    assert all(any(known.covers(*each) for each in wild) for known in STORING)


def test_the_machine_begins_when_an_intake_has_succeeded_and_reads_only_what_was_written(stored: Assembly) -> None:
    (rule,) = of_the_store(stored, "AWS::Events::Rule")
    assert rule.properties["EventPattern"]["detail"]["status"] == ["SUCCEEDED"]
    (target,) = rule.properties["Targets"]
    assert target["DeadLetterConfig"]["Arn"]
    (definition,) = [found for name, found in stored.machines().items() if "/Store" in name]
    assert data_flow.unwritten(definition, {"model", "at"}) == []
    assert data_flow.unreachable(definition) == set()


def test_a_broken_machine_rings(stored: Assembly) -> None:
    assert any("FeaturesBroken" in each.id for each in stored.resources("AWS::CloudWatch::Alarm"))
