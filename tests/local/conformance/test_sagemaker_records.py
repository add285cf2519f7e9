"""Conformance of what SageMaker writes down: the registry, experiments, lineage and model cards."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account
from .bus import bodies, queue_for, rule
from .workshop import IMAGE

pytestmark = pytest.mark.sagemaker
MODEL = "s3://sagemaker-sample-files/datasets/model.tar.gz"  # not read when a version is registered
Register = Callable[..., str]


@pytest.fixture
def group(account: Account) -> str:
    sagemaker, name = account.client("sagemaker"), account.unique("group")
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    account.later(empty, sagemaker=sagemaker, group=name)
    return name


def empty(sagemaker: Any, group: str) -> None:
    for version in sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]:
        sagemaker.delete_model_package(ModelPackageName=version["ModelPackageArn"])
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)


@pytest.fixture
def register(account: Account, group: str) -> Register:
    sagemaker = account.client("sagemaker")
    specification = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": MODEL}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }

    def make(**more: Any) -> str:
        made = sagemaker.create_model_package(ModelPackageGroupName=group, InferenceSpecification=specification, **more)
        return str(made["ModelPackageArn"])

    return make


def code_of(error: Any) -> str:
    return str(error.value.response["Error"]["Code"])


def test_versions_are_numbered_and_never_used_again(account: Account, register: Register) -> None:
    arns = [register() for _ in range(3)]
    assert [arn.rpartition("/")[2] for arn in arns] == ["1", "2", "3"]
    account.client("sagemaker").delete_model_package(ModelPackageName=arns[2])
    assert register().endswith("/4")


def test_everything_given_at_registration_is_described(account: Account, register: Register) -> None:
    given = {
        "ModelPackageDescription": "a candidate",
        "CustomerMetadataProperties": {"dataset": "sha256:1"},
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://b/quality.json"}}
        },
        "MetadataProperties": {"CommitId": "abc"},
    }
    arn = register(ModelApprovalStatus="PendingManualApproval", **given)
    found = account.client("sagemaker").describe_model_package(ModelPackageName=arn)
    assert {key: found[key] for key in given} == given
    assert (found["ModelPackageVersion"], found["ModelPackageStatus"]) == (1, "Completed")
    assert found["ModelApprovalStatus"] == "PendingManualApproval"


def test_approval_keeps_its_description_and_merges_metadata(account: Account, register: Register) -> None:
    sagemaker, arn = account.client("sagemaker"), register(CustomerMetadataProperties={"a": "1", "b": "2"})
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="looks good",
        CustomerMetadataProperties={"c": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
    )
    found = sagemaker.describe_model_package(ModelPackageName=arn)
    assert (found["ModelApprovalStatus"], found["ApprovalDescription"]) == ("Approved", "looks good")
    assert found["CustomerMetadataProperties"] == {"b": "2", "c": "3"}


def test_versions_are_listed_by_status_newest_first_and_in_pages(
    account: Account, group: str, register: Register
) -> None:
    sagemaker, arns = account.client("sagemaker"), [register() for _ in range(3)]
    for arn in arns[:2]:
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    listed = {"ModelPackageGroupName": group, "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 1}
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelApprovalStatus="Approved", **listed)
    assert [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]] == arns[1::-1]


def test_several_versions_are_described_at_once(account: Account, register: Register) -> None:
    arn = register()
    missing = arn.removesuffix("/1") + "/77"
    answer = account.client("sagemaker").batch_describe_model_package(ModelPackageArnList=[arn, missing])
    assert answer["ModelPackageSummaries"][arn]["InferenceSpecification"]["Containers"][0]["Image"] == IMAGE
    assert list(answer["BatchDescribeModelPackageErrorMap"]) == [missing]


def test_a_group_goes_only_when_it_is_empty(account: Account, group: str, register: Register) -> None:
    sagemaker, _ = account.client("sagemaker"), register()
    with pytest.raises(ClientError) as error:
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    assert code_of(error) == "ConflictException"


def test_creation_and_real_changes_are_events(account: Account, group: str, register: Register) -> None:
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": [group]},
    }
    url, arn = queue_for(account)
    rule(account, pattern, {"Arn": arn})
    package = register(CustomerMetadataProperties={"run": "7"})
    for status in ("Approved", "Approved", "Rejected"):
        account.client("sagemaker").update_model_package(ModelPackageArn=package, ModelApprovalStatus=status)
    events = bodies(account, url, 3)
    statuses = {event["detail"]["ModelApprovalStatus"] for event in events}
    assert statuses == {"PendingManualApproval", "Approved", "Rejected"}
    detail = events[0]["detail"]
    assert events[0]["resources"] == [detail["ModelPackageArn"]] == [package]
    assert (detail["ModelPackageVersion"], detail["ModelPackageStatus"]) == (1, "Completed")
    assert detail["CustomerMetadataProperties"] == {"run": "7"}


def test_an_experiment_has_trials_whose_components_keep_parameters_and_metrics(account: Account) -> None:
    sagemaker, name = account.client("sagemaker"), account.unique("experiment")
    sagemaker.create_experiment(ExperimentName=name, Description="first")
    account.later(sagemaker.delete_experiment, ExperimentName=name)
    with pytest.raises(ClientError, match="already exists"):
        sagemaker.create_experiment(ExperimentName=name)
    sagemaker.update_experiment(ExperimentName=name, Description="second")
    sagemaker.create_trial(TrialName=name, ExperimentName=name)
    account.later(sagemaker.delete_trial, TrialName=name)
    sagemaker.create_trial_component(TrialComponentName=name, Parameters={"depth": {"NumberValue": 3.0}})
    account.later(sagemaker.delete_trial_component, TrialComponentName=name)
    sagemaker.associate_trial_component(TrialComponentName=name, TrialName=name)
    account.later(sagemaker.disassociate_trial_component, TrialComponentName=name, TrialName=name)
    sagemaker.update_trial_component(
        TrialComponentName=name, Parameters={"rate": {"StringValue": "slow"}}, ParametersToRemove=["depth"]
    )
    found = sagemaker.describe_trial_component(TrialComponentName=name)
    assert found["Parameters"] == {"rate": {"StringValue": "slow"}}
    (listed,) = sagemaker.list_trial_components(ExperimentName=name)["TrialComponentSummaries"]
    assert listed["TrialComponentName"] == name
    assert sagemaker.describe_experiment(ExperimentName=name)["Description"] == "second"
    with pytest.raises(ClientError):
        sagemaker.delete_experiment(ExperimentName=name)


def test_metrics_that_are_put_are_summed_up(account: Account) -> None:
    sagemaker, name = account.client("sagemaker"), account.unique("component")
    sagemaker.create_trial_component(TrialComponentName=name)
    account.later(sagemaker.delete_trial_component, TrialComponentName=name)
    data = [
        {"MetricName": "loss", "Timestamp": account.now(), "Step": step, "Value": value}
        for step, value in enumerate((4.0, 1.0, 2.0))
    ]
    put = account.client("sagemaker-metrics").batch_put_metrics(TrialComponentName=name, MetricData=data)
    assert put.get("Errors", []) == []

    def metrics() -> Any:
        return sagemaker.describe_trial_component(TrialComponentName=name).get("Metrics")

    (found,) = account.wait_until(metrics)
    shown = {key: found[key] for key in ("MetricName", "Min", "Max", "Last", "Count")}
    assert shown == {"MetricName": "loss", "Min": 1.0, "Max": 4.0, "Last": 2.0, "Count": 3}


def test_lineage_leads_from_a_data_set_over_a_training_to_a_model(account: Account) -> None:
    sagemaker, name = account.client("sagemaker"), account.unique("lineage")
    arns = {}
    for kind in ("DataSet", "Model"):
        source = {"SourceUri": f"s3://{name}/{kind}"}
        made = sagemaker.create_artifact(ArtifactName=kind, Source=source, ArtifactType=kind)["ArtifactArn"]
        account.later(sagemaker.delete_artifact, ArtifactArn=made)
        arns[kind] = made
    action = {"ActionName": name, "ActionType": "Training", "Source": {"SourceUri": name, "SourceType": "Job"}}
    arns["Training"] = sagemaker.create_action(**action)["ActionArn"]
    account.later(sagemaker.delete_action, ActionName=name)
    for source, destination in (("DataSet", "Training"), ("Training", "Model")):
        pair = {"SourceArn": arns[source], "DestinationArn": arns[destination]}
        sagemaker.add_association(**pair, AssociationType="ContributedTo")
        account.later(sagemaker.delete_association, **pair)

    def reached(start: str, **more: Any) -> set[str]:
        answer = sagemaker.query_lineage(StartArns=[arns[start]], IncludeEdges=True, **more)
        return {vertex["Arn"] for vertex in answer["Vertices"]} - {arns[start]}

    account.wait_until(lambda: reached("Model", Direction="Ascendants") == {arns["DataSet"], arns["Training"]}, 20)
    assert reached("Model", Direction="Ascendants", MaxDepth=1) == {arns["Training"]}
    assert reached("Model", Direction="Descendants") == set()
    (row,) = sagemaker.list_associations(DestinationArn=arns["Model"])["AssociationSummaries"]
    assert (row["SourceArn"], row["AssociationType"]) == (arns["Training"], "ContributedTo")
    with pytest.raises(ClientError):
        sagemaker.delete_artifact(ArtifactArn=arns["Model"])


def test_what_experiments_and_lineage_do_not_know_is_not_found(account: Account) -> None:
    sagemaker = account.client("sagemaker")
    for read, given in (
        (sagemaker.describe_experiment, {"ExperimentName": "missing"}),
        (sagemaker.describe_trial_component, {"TrialComponentName": "missing"}),
        (sagemaker.describe_context, {"ContextName": "missing"}),
    ):
        with pytest.raises(ClientError) as error:
            read(**given)
        assert code_of(error) == "ResourceNotFound"


def test_a_model_card_has_versions_and_keeps_what_an_update_does_not_name(account: Account) -> None:
    sagemaker, name = account.client("sagemaker"), account.unique("card")
    first, second = (json.dumps({"model_overview": {"model_description": text}}) for text in ("first", "second"))
    sagemaker.create_model_card(ModelCardName=name, Content=first, ModelCardStatus="Draft")
    account.later(sagemaker.delete_model_card, ModelCardName=name)
    sagemaker.update_model_card(ModelCardName=name, Content=second)
    found = sagemaker.describe_model_card(ModelCardName=name)
    shown = (found["ModelCardVersion"], found["ModelCardStatus"], json.loads(found["Content"]))
    assert shown == (2, "Draft", json.loads(second))
    sagemaker.update_model_card(ModelCardName=name, ModelCardStatus="Approved")
    found = sagemaker.describe_model_card(ModelCardName=name)
    assert (found["ModelCardStatus"], json.loads(found["Content"])) == ("Approved", json.loads(second))
    earlier = sagemaker.describe_model_card(ModelCardName=name, ModelCardVersion=1)
    assert json.loads(earlier["Content"]) == json.loads(first)
    with pytest.raises(ClientError) as error:
        sagemaker.update_model_card(ModelCardName=name, Content=first, ModelCardStatus="Draft")
    assert code_of(error) == "ValidationException"
