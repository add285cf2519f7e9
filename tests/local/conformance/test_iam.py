"""IAM: credentials, identity policies with their conditions, boundaries and session policies."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account, allow
from .identities import code_of, deny, is_denied, open_role, session

pytestmark = pytest.mark.iam


@pytest.fixture
def bucket(account: Account) -> str:
    name = account.bucket()
    account.client("s3").put_object(Bucket=name, Key="in/a", Body=b"a")
    return name


# credentials ---------------------------------------------------------------------------------------------------------

CALLS = {
    "s3": ("list_buckets", "SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken", "ExpiredToken"),
    "sts": (
        "get_caller_identity",
        "SignatureDoesNotMatch",
        "InvalidClientTokenId",
        "InvalidClientTokenId",
        "ExpiredToken",
    ),
    "dynamodb": (
        "list_tables",
        "InvalidSignatureException",
        "UnrecognizedClientException",
        "UnrecognizedClientException",
        "ExpiredTokenException",
    ),
}


@pytest.fixture
def credentials(account: Account) -> dict[str, str]:
    return session(account, open_role(account, allow("s3:*", "dynamodb:*")), DurationSeconds=900)


@pytest.mark.parametrize("service", CALLS)
def test_a_request_must_be_signed_with_the_secret_of_its_key(
    account: Account, credentials: dict[str, str], service: str
) -> None:
    operation, mismatch, unknown, wrong_token, _expired = CALLS[service]
    assert not code_of(getattr(account.client(service, **credentials), operation))
    other = credentials | {"secret": "x" * 40}
    assert code_of(getattr(account.client(service, **other), operation)) == mismatch
    nobodys = credentials | {"key": "ASIAIOSFODNN7NOBODY0"}
    assert code_of(getattr(account.client(service, **nobodys), operation)) == unknown
    foreign = credentials | {"token": credentials["token"][:-8] + "AAAAAAA="}
    assert code_of(getattr(account.client(service, **foreign), operation)) == wrong_token


@pytest.mark.parametrize(
    ("service", "operation", "status", "code"),
    [
        ("sts", "get_caller_identity", 403, "MissingAuthenticationToken"),
        ("dynamodb", "list_tables", 400, "MissingAuthenticationTokenException"),
    ],
)
def test_a_request_that_nobody_signed_is_told_so(
    account: Account, service: str, operation: str, status: int, code: str
) -> None:
    client = account.client(service)
    client.meta.events.register("before-send", lambda request, **_event: request.headers.__delitem__("Authorization"))
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)()
    answer = refused.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (status, code)


def test_a_session_ends_with_its_duration(account: Account, credentials: dict[str, str]) -> None:
    account.pass_time(901)
    for service, (operation, *_codes, expired) in CALLS.items():
        assert code_of(getattr(account.client(service, **credentials), operation)) == expired


def test_what_was_signed_cannot_be_changed_on_its_way(account: Account, bucket: str) -> None:
    s3 = account.client("s3")

    def tamper(request: Any, **_event: Any) -> None:
        request.headers["x-amz-acl"] = "public-read"
        request.url = request.url.replace("/in/a", "/in/b")

    s3.meta.events.register_last("before-send.s3.DeleteObject", tamper)
    assert code_of(s3.delete_object, Bucket=bucket, Key="in/a") == "SignatureDoesNotMatch"


def test_who_am_i_needs_no_permission(account: Account) -> None:
    assert account.as_role("sts").get_caller_identity()["Arn"].endswith("/conformance")


def test_a_session_is_not_longer_than_the_role_allows(account: Account) -> None:
    role = open_role(account)
    with pytest.raises(ClientError):
        session(account, role, DurationSeconds=3601)
    account.client("iam").update_role(RoleName=role.rpartition("/")[2], MaxSessionDuration=7200)
    assert account.wait_until(lambda: not code_of(session, account=account, role=role, DurationSeconds=3601))


# identity policies ---------------------------------------------------------------------------------------------------


def test_nothing_is_allowed_by_silence_and_a_deny_wins(account: Account, bucket: str) -> None:
    read = {"Bucket": bucket, "Key": "in/a"}
    assert is_denied(account.as_role("s3").get_object, **read)
    assert not code_of(account.as_role("s3", allow("s3:GetObject")).get_object, **read)
    assert is_denied(account.as_role("s3", allow("s3:*"), deny("s3:Get*")).get_object, **read)


def test_a_statement_may_name_what_it_does_not_speak_of(account: Account, bucket: str) -> None:
    everything_else = {"Effect": "Allow", "NotAction": "s3:DeleteObject", "NotResource": f"arn:aws:s3:::{bucket}/out/*"}
    s3 = account.as_role("s3", everything_else)
    assert not code_of(s3.get_object, Bucket=bucket, Key="in/a")
    assert is_denied(s3.delete_object, Bucket=bucket, Key="in/a")
    assert is_denied(s3.put_object, Bucket=bucket, Key="out/a", Body=b"")


def test_a_condition_decides_by_what_the_request_says(account: Account, bucket: str) -> None:
    prefix = {"StringLike": {"s3:prefix": "in/*"}}
    s3 = account.as_role("s3", allow("s3:ListBucket", on=f"arn:aws:s3:::{bucket}", Condition=prefix))
    assert s3.list_objects_v2(Bucket=bucket, Prefix="in/")["KeyCount"] == 1
    assert is_denied(s3.list_objects_v2, Bucket=bucket)
    assert is_denied(s3.list_objects_v2, Bucket=bucket, Prefix="out/")


CONDITIONS: list[tuple[dict[str, Any], bool]] = [
    ({"StringEquals": {"aws:RequestedRegion": "${region}"}}, True),
    ({"StringNotEquals": {"aws:RequestedRegion": "${region}"}}, False),
    ({"StringEquals": {"aws:ResourceAccount": "${account}"}}, True),
    ({"StringEquals": {"aws:ResourceAccount": "999999999999"}}, False),
    ({"StringEqualsIfExists": {"s3:x-amz-acl": "private"}}, True),
    ({"StringEquals": {"s3:x-amz-acl": "private"}}, False),
    ({"Null": {"s3:x-amz-acl": "true"}}, True),
    ({"Null": {"aws:PrincipalArn": "true"}}, False),
    ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/conformance-*"}}, True),
    ({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::*:role/other-*"}}, False),
    ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, True),
    ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False),
    ({"NumericLessThan": {"aws:EpochTime": "1"}}, False),
    ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, True),
    ({"Bool": {"aws:ViaAWSService": "true"}}, False),
    ({"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}, False),
    ({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}, True),
    ({"StringLike": {"aws:userid": "*:conformance"}}, True),
]


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS, ids=lambda value: json.dumps(value))
def test_condition_operators_decide_as_written(
    account: Account, bucket: str, condition: dict[str, Any], holds: bool
) -> None:
    written = json.dumps(condition).replace("${region}", account.region).replace("${account}", account.number)
    s3 = account.as_role("s3", allow("s3:GetObject", Condition=json.loads(written)))
    assert is_denied(s3.get_object, Bucket=bucket, Key="in/a") != holds


def test_a_variable_stands_for_a_tag_of_who_asks(account: Account, bucket: str) -> None:
    role = open_role(account, allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/${{aws:PrincipalTag/team}}/*"))
    read = {"Bucket": bucket, "Key": "in/a"}
    assert is_denied(account.client_of(role, "s3").get_object, **read)
    account.client("iam").tag_role(RoleName=role.rpartition("/")[2], Tags=[{"Key": "team", "Value": "in"}])
    assert account.wait_until(lambda: not code_of(account.client_of(role, "s3").get_object, **read))


def test_a_tag_of_the_resource_decides(account: Account) -> None:
    url, _arn = account.queue()
    condition = {"StringEquals": {"aws:ResourceTag/stage": "dev"}}
    sqs = account.as_role("sqs", allow("sqs:SendMessage", Condition=condition))
    message = {"QueueUrl": url, "MessageBody": "hello"}
    assert is_denied(sqs.send_message, **message)
    account.client("sqs").tag_queue(QueueUrl=url, Tags={"stage": "prod"})
    assert is_denied(sqs.send_message, **message)
    account.client("sqs").tag_queue(QueueUrl=url, Tags={"stage": "dev"})
    assert account.wait_until(lambda: not code_of(sqs.send_message, **message))


def test_a_tag_of_a_model_package_group_decides(account: Account) -> None:
    sagemaker, name = account.client("sagemaker"), account.unique("group")
    sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=[{"Key": "stage", "Value": "dev"}])
    account.later(sagemaker.delete_model_package_group, ModelPackageGroupName=name)
    for stage, is_allowed in (("prod", False), ("dev", True)):
        condition = {"StringEquals": {"sagemaker:ResourceTag/stage": stage}}
        client = account.as_role("sagemaker", allow("sagemaker:DescribeModelPackageGroup", Condition=condition))
        assert is_denied(client.describe_model_package_group, ModelPackageGroupName=name) != is_allowed


def test_a_permissions_boundary_limits_what_a_role_is_allowed(account: Account, bucket: str) -> None:
    iam, role = account.client("iam"), open_role(account, allow("s3:*"))
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:GetObject")]})
    boundary = iam.create_policy(PolicyName=account.unique("boundary"), PolicyDocument=document)["Policy"]["Arn"]
    account.later(iam.delete_policy, PolicyArn=boundary)
    name = role.rpartition("/")[2]
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
    account.later(iam.delete_role_permissions_boundary, RoleName=name)
    write = {"Bucket": bucket, "Key": "in/b", "Body": b""}
    assert account.wait_until(lambda: is_denied(account.client_of(role, "s3").put_object, **write))
    assert not code_of(account.client_of(role, "s3").get_object, Bucket=bucket, Key="in/a")


def test_a_session_policy_limits_the_session(account: Account, bucket: str) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:GetObject")]})
    s3 = account.client_of(open_role(account, allow("s3:*")), "s3", Policy=policy)
    assert not code_of(s3.get_object, Bucket=bucket, Key="in/a")
    assert is_denied(s3.put_object, Bucket=bucket, Key="in/b", Body=b"")
