"""Conformance of CloudTrail's event history: who changed something of SageMaker's, and with what."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account, allow

pytestmark = pytest.mark.sagemaker


@pytest.fixture
def group(account: Account) -> str:
    sagemaker, name = account.client("sagemaker"), account.unique("group")
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    account.later(sagemaker.delete_model_package_group, ModelPackageGroupName=name)
    return name


def events(account: Account, name: str, group: str) -> list[dict[str, Any]]:
    """The records of calls of an operation that concern the group, newest first; AWS shows them after some minutes."""
    pages = account.client("cloudtrail").get_paginator("lookup_events")
    attributes = [{"AttributeKey": "EventName", "AttributeValue": name}]
    found = [event for page in pages.paginate(LookupAttributes=attributes) for event in page["Events"]]
    assert all(event["EventName"] == name for event in found)
    return [json.loads(event["CloudTrailEvent"]) for event in found if group in event["CloudTrailEvent"]]


def seen(account: Account, name: str, group: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = account.wait_until(lambda: events(account, name, group))
    return found[0]


def test_a_call_is_written_down_with_its_caller_and_its_parameters(account: Account, group: str) -> None:
    record = seen(account, "CreateModelPackageGroup", group)
    assert record["eventSource"] == "sagemaker.amazonaws.com"
    assert record["requestParameters"]["modelPackageGroupName"] == group
    assert record["responseElements"]["modelPackageGroupArn"].endswith(group)
    assert record["userIdentity"]["arn"] == account.client("sts").get_caller_identity()["Arn"]


def test_a_session_names_its_role_and_itself(account: Account, group: str) -> None:
    tagging = allow("sagemaker:AddTags", on=f"arn:aws:sagemaker:{account.region}:{account.number}:*")
    role = account.role("ec2.amazonaws.com", tagging, Principal={"AWS": f"arn:aws:iam::{account.number}:root"})
    arn = f"arn:aws:sagemaker:{account.region}:{account.number}:model-package-group/{group}"
    client = account.client_of(role, "sagemaker", RoleSessionName="ann")
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    identity = seen(account, "AddTags", group)["userIdentity"]
    assert identity["type"] == "AssumedRole"
    assert identity["arn"].endswith(f"assumed-role/{role.rpartition('/')[2]}/ann")
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == role


def test_reading_and_what_the_service_refuses_are_told_apart(account: Account, group: str) -> None:
    sagemaker = account.client("sagemaker")
    sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError):
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
    account.wait_until(lambda: len(events(account, "CreateModelPackageGroup", group)) == 2)
    refused, made = events(account, "CreateModelPackageGroup", group)
    assert (refused["responseElements"], "errorCode" in refused, "errorCode" in made) == (None, True, False)


def test_only_events_of_the_asked_time_are_found(account: Account, group: str) -> None:
    seen(account, "CreateModelPackageGroup", group)
    later = account.client("cloudtrail").lookup_events(StartTime=account.now() + timedelta(hours=1))
    assert later["Events"] == []
    with pytest.raises(ClientError, match="one item"):
        account.client("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": key, "AttributeValue": "x"} for key in ("EventName", "Username")]
        )


def test_pages_follow_each_other(account: Account, group: str) -> None:
    sagemaker = account.client("sagemaker")
    arn = f"arn:aws:sagemaker:{account.region}:{account.number}:model-package-group/{group}"
    for number in range(3):
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": f"k{number}", "Value": "v"}])
    account.wait_until(lambda: len(events(account, "AddTags", group)) == 3)
    pages = account.client("cloudtrail").get_paginator("lookup_events")
    attributes = [{"AttributeKey": "EventName", "AttributeValue": "AddTags"}]
    asked = pages.paginate(LookupAttributes=attributes, PaginationConfig={"PageSize": 1, "MaxItems": 3})
    records = [json.loads(page["Events"][0]["CloudTrailEvent"]) for page in asked]
    keys = [record["requestParameters"]["tags"][0]["key"] for record in records if group in json.dumps(record)]
    assert keys == ["k2", "k1", "k0"]
