"""CloudTrail's records, in the shapes that AWS documents, as acts of people."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from tests.fakes import NOON, MemoryLedger
from trimtab.aws.audit_trail import EventHistory
from trimtab.errors import TrailNotRead
from trimtab.ports import Package
from trimtab.rollout.trail import KeptTrail
from trimtab.rollout.votes import StatusChange

ARN = "arn:aws:sagemaker:us-east-1:1:model-package/trimtab-dev-tiny/2"
PACKAGE = Package(ARN, "trimtab-dev-tiny", 2, "Approved", "s3://a", "image", {}, NOON + timedelta(microseconds=5))
USER = {"type": "IAMUser", "arn": "arn:aws:iam::1:user/ann", "userName": "ann"}
SESSION = {
    "type": "AssumedRole",
    "arn": "arn:aws:sts::1:assumed-role/team/one",
    "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::1:role/team"}, "sourceIdentity": "bob"},
}
Record = dict[str, Any]
Told = Callable[..., list[StatusChange]]


def update(number: int, status: str = "Approved", by: Record = USER, **more: Any) -> Record:
    asked = {"modelPackageArn": ARN, "modelApprovalStatus": status, **more.pop("asked", {})}
    return {
        "eventID": f"e{number}",
        "eventName": "UpdateModelPackage",
        "eventTime": (NOON + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "userIdentity": by,
        "requestParameters": asked,
        "responseElements": {"modelPackageArn": ARN},
        **more,
    }


def cloudtrail() -> Any:
    return boto3.client("cloudtrail", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def asking(name: str) -> dict[str, Any]:
    """For registrations near the package's creation, and for all changes since, in whole seconds."""
    asked = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}]}
    if name == "UpdateModelPackage":
        return asked | {"StartTime": NOON}
    return asked | {"StartTime": NOON - timedelta(minutes=1), "EndTime": PACKAGE.created + timedelta(minutes=5)}


@pytest.fixture
def told() -> Told:
    """`told(made, changed)`: what is made of these records of CreateModelPackage and UpdateModelPackage."""

    def look(made: list[Record], changed: list[Record], pages: int = 1) -> list[StatusChange]:
        client = cloudtrail()
        with Stubber(client) as stub:
            for records, asked in ((made, asking("CreateModelPackage")), (changed, asking("UpdateModelPackage"))):
                newest_first = [{"CloudTrailEvent": json.dumps(record)} for record in reversed(records)]
                size = max(1, -(-len(newest_first) // pages))
                parts = [newest_first[start : start + size] for start in range(0, len(newest_first), size)] or [[]]
                for number, part in enumerate(parts):
                    token = {"NextToken": str(number)} if number + 1 < len(parts) else {}
                    expected = asked | ({"NextToken": ANY} if number else {})
                    stub.add_response("lookup_events", {"Events": part, **token}, expected)
            history = EventHistory(client, lambda _: None)
            found = KeptTrail(history, MemoryLedger(), lambda: 0.0).changes(PACKAGE, NOON)
            stub.assert_no_pending_responses()
            return found

    return look


def test_acts_come_oldest_first_over_all_pages(told: Told) -> None:
    found = told([], [update(1), update(2, "Rejected"), update(3)], pages=3)
    assert [(change.id, change.status) for change in found] == [
        ("e1", "Approved"),
        ("e2", "Rejected"),
        ("e3", "Approved"),
    ]
    assert found[0].at == NOON + timedelta(seconds=1)


def test_a_session_has_its_role_and_the_identity_it_came_with(told: Told) -> None:
    (found,) = told([], [update(1, by=SESSION)])
    assert (found.by.role_arn, found.by.person) == ("arn:aws:iam::1:role/team", "bob")


def test_reason_and_skips_are_those_of_the_call(told: Told) -> None:
    asked = {"approvalDescription": "down", "customerMetadataProperties": {"trimtab-skip": "staging, gates"}}
    (found,) = told([], [update(1, asked=asked)])
    assert (found.reason, found.skips) == ("down", ("staging", "gates"))


def test_a_call_that_was_refused_or_is_of_another_version_is_no_act(told: Told) -> None:
    refused = update(1, errorCode="AccessDenied", responseElements=None)
    other = update(2, asked={"modelPackageArn": f"{ARN}3"}, responseElements={"modelPackageArn": f"{ARN}3"})
    assert told([], [refused, other]) == []


def test_a_registration_is_known_by_its_answer(told: Told) -> None:
    made = update(1, responseElements={"modelPackageArn": ARN}) | {"eventName": "CreateModelPackage"}
    made["requestParameters"] = {"modelPackageGroupName": "trimtab-dev-tiny", "modelApprovalStatus": "Approved"}
    (found,) = told([made], [])
    assert found.is_registration


def test_parameters_that_cloudtrail_hides_are_not_there(told: Told) -> None:
    (found,) = told([], [update(1) | {"requestParameters": None}])
    assert (found.status, found.reason, found.skips) == ("", "", ())


def test_pages_are_asked_for_at_cloudtrails_pace() -> None:
    client, pauses = cloudtrail(), list[float]()
    with Stubber(client) as stub:
        for number in range(3):
            event = {"CloudTrailEvent": json.dumps(update(9 - number))}
            stub.add_response("lookup_events", {"Events": [event]} | ({"NextToken": str(number)} if number < 2 else {}))
        pages = list(EventHistory(client, pauses.append).pages("UpdateModelPackage", ARN, NOON, None))
    assert [(page.oldest, page.has_more) for page in pages] == [
        (NOON + timedelta(seconds=9 - number), number < 2) for number in range(3)
    ]
    assert pauses == [0.5, 0.5]


def test_throttling_that_outlasts_the_clients_retries_is_an_error_that_machines_repeat() -> None:
    client = cloudtrail()
    with Stubber(client) as stub:
        stub.add_client_error("lookup_events", "ThrottlingException", http_status_code=400)
        with pytest.raises(TrailNotRead, match="two calls a second for the account and region"):
            list(EventHistory(client).pages("UpdateModelPackage", ARN, NOON, None))
    assert TrailNotRead.retryable


def test_what_is_not_throttling_is_not_called_so() -> None:
    client = cloudtrail()
    with Stubber(client) as stub:
        stub.add_client_error("lookup_events", "AccessDeniedException")
        with pytest.raises(ClientError, match="AccessDenied"):
            list(EventHistory(client).pages("UpdateModelPackage", ARN, NOON, None))
