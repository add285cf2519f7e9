"""IAM from outside: who may do what, as roles and users and as services, on a cloud that enforces it."""

import contextlib
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.clients import Clients

from .conftest import LocalCloud

ACCOUNT = "123456789012"
ClientOf = Callable[[str], Any]


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def statement(action: Any, resource: Any = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(service: str = "lambda.amazonaws.com", **condition: Any) -> str:
    one = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return document(one | ({"Condition": condition} if condition else {}))


def make_role(cloud: LocalCloud, *statements: dict[str, Any], assumed_by: str = "", **more: Any) -> str:
    iam, name = cloud.client("iam"), unique("role")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=assumed_by or trust(), **more)["Role"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
    return str(role["Arn"])


@pytest.fixture(scope="module")
def clients(cloud: LocalCloud) -> Clients:
    return Clients(cloud.endpoint, "us-east-1")


@pytest.fixture
def acting(cloud: LocalCloud, clients: Clients) -> Callable[..., ClientOf]:
    """`acting(statement, ...)` gives clients of a new role with exactly those statements."""

    def make(*statements: dict[str, Any]) -> ClientOf:
        arn = make_role(cloud, *statements)
        return lambda service: clients.as_role(arn, "lambda.amazonaws.com", "test", service)

    return make


@pytest.fixture
def bucket(cloud: LocalCloud) -> str:
    name = unique("bucket")
    cloud.client("s3").create_bucket(Bucket=name)
    cloud.client("s3").put_object(Bucket=name, Key="in/a", Body=b"a")
    return name


@pytest.fixture
def key(cloud: LocalCloud) -> str:
    policy = document(statement("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    return str(cloud.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"])


@pytest.fixture
def table(cloud: LocalCloud) -> Iterator[str]:
    name, dynamodb = unique("table"), cloud.client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    yield name
    dynamodb.delete_table(TableName=name)


def denied(*codes: str, match: str = ".") -> Any:
    allowed = codes or ("AccessDenied", "AccessDeniedException", "AuthorizationError", "403")
    return _Denied(allowed, match)


class _Denied:
    def __init__(self, codes: tuple[str, ...], match: str) -> None:
        self._codes = codes
        self._raises = pytest.raises(ClientError, match=match)

    def __enter__(self) -> Any:
        self._info = self._raises.__enter__()
        return self._info

    def __exit__(self, *error: Any) -> bool:
        handled = bool(self._raises.__exit__(*error))
        assert self._info.value.response["Error"]["Code"] in self._codes
        return handled


def test_a_denial_names_who_what_where_and_why(acting: Callable[..., ClientOf], bucket: str, cloud: LocalCloud) -> None:
    with denied("AccessDenied") as refused:
        acting()("s3").put_object(Bucket=bucket, Key="in/b", Body=b"b")
    message = refused.value.response["Error"]["Message"]
    assert "/test is not authorized to perform: s3:PutObject on resource: " in message
    assert f"arn:aws:s3:::{bucket}/in/b because no identity-based policy allows the s3:PutObject action" in message
    assert cloud.admin("access-denied")[-1]["action"] == "s3:PutObject"


def test_objects_are_allowed_by_prefix_and_bucket_calls_apart(acting: Callable[..., ClientOf], bucket: str) -> None:
    s3 = acting(
        statement(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/in/*"),
        statement("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition={"StringLike": {"s3:prefix": "in/*"}}),
    )("s3")
    assert s3.get_object(Bucket=bucket, Key="in/a")["Body"].read() == b"a"
    s3.put_object(Bucket=bucket, Key="in/b", Body=b"b")
    assert s3.list_objects_v2(Bucket=bucket, Prefix="in/")["KeyCount"] == 2
    with denied():
        s3.get_object(Bucket=bucket, Key="out/a")
    with denied():
        s3.list_objects_v2(Bucket=bucket)
    with denied():
        s3.delete_object(Bucket=bucket, Key="in/a")
    with denied():
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "in/a"}]})


def test_versions_tags_and_copies_need_their_own_permissions(acting: Callable[..., ClientOf], bucket: str) -> None:
    s3 = acting(statement(["s3:PutObject", "s3:ListBucket"], "*"))("s3")
    with denied(match="s3:PutObjectTagging"):
        s3.put_object(Bucket=bucket, Key="in/b", Body=b"b", Tagging="a=b")
    with denied(match="s3:GetObject "):
        s3.copy_object(Bucket=bucket, Key="in/c", CopySource={"Bucket": bucket, "Key": "in/a"})
    with denied():
        s3.head_object(Bucket=bucket, Key="in/a", VersionId="null")


def test_a_missing_object_is_only_missing_to_those_who_may_list(acting: Callable[..., ClientOf], bucket: str) -> None:
    reading = statement("s3:GetObject", f"arn:aws:s3:::{bucket}/*")
    with denied("AccessDenied"):
        acting(reading)("s3").get_object(Bucket=bucket, Key="nothing")
    with pytest.raises(ClientError, match="NoSuchKey"):
        acting(reading, statement("s3:ListBucket"))("s3").get_object(Bucket=bucket, Key="nothing")


def test_a_bucket_policy_denies_and_allows(cloud: LocalCloud, clients: Clients, bucket: str) -> None:
    arn = make_role(cloud)
    s3 = clients.as_role(arn, "lambda.amazonaws.com", "test", "s3")
    resource = f"arn:aws:s3:::{bucket}/*"
    cloud.client("s3").put_bucket_policy(
        Bucket=bucket,
        Policy=document(
            statement("s3:GetObject", resource, Principal={"AWS": arn}),
            statement("s3:*", resource, "Deny", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        ),
    )
    assert s3.get_object(Bucket=bucket, Key="in/a")["Body"].read() == b"a"
    with denied():
        s3.put_object(Bucket=bucket, Key="in/b", Body=b"b")
    cloud.client("s3").put_bucket_policy(
        Bucket=bucket, Policy=document(statement("s3:GetObject", resource, "Deny", Principal={"AWS": arn}))
    )
    with denied(match="explicit deny in a resource-based policy"):
        s3.get_object(Bucket=bucket, Key="in/a")


def test_encrypted_objects_need_the_key_too(
    cloud: LocalCloud, acting: Callable[..., ClientOf], bucket: str, key: str
) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    cloud.client("s3").put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    objects = statement(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/*")
    with denied(match="kms:GenerateDataKey"):
        acting(objects)("s3").put_object(Bucket=bucket, Key="k", Body=b"k")
    via = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    writer = acting(objects, statement("kms:GenerateDataKey", key, Condition=via))("s3")
    writer.put_object(Bucket=bucket, Key="k", Body=b"k")
    with denied(match="kms:Decrypt"):
        writer.get_object(Bucket=bucket, Key="k")
    reader = acting(objects, statement("kms:Decrypt", key, Condition=via))
    assert reader("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b"k"
    with denied("AccessDeniedException"):
        reader("kms").encrypt(KeyId=key, Plaintext=b"x")


def test_a_key_policy_that_does_not_trust_the_account_locks_identity_policies_out(
    cloud: LocalCloud, acting: Callable[..., ClientOf]
) -> None:
    policy = document(statement("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/nobody"}))
    locked = cloud.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
    with denied(match="no resource-based policy allows"):
        acting(statement("kms:*"))("kms").encrypt(KeyId=locked, Plaintext=b"x")


def test_an_alias_leads_to_its_key(cloud: LocalCloud, acting: Callable[..., ClientOf], key: str) -> None:
    alias = f"alias/{unique('k')}"
    cloud.client("kms").create_alias(AliasName=alias, TargetKeyId=key)
    acting(statement("kms:Encrypt", key))("kms").encrypt(KeyId=alias, Plaintext=b"x")
    with denied():
        acting(statement("kms:Encrypt", key + "0"))("kms").encrypt(KeyId=alias, Plaintext=b"x")


def test_items_are_allowed_by_table_and_leading_key(acting: Callable[..., ClientOf], table: str) -> None:
    arn = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{table}"
    own = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["flights#*"]}}
    dynamodb = acting(statement(["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:Query"], arn, Condition=own))(
        "dynamodb"
    )
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "flights#1"}})
    assert "Item" in dynamodb.get_item(TableName=table, Key={"pk": {"S": "flights#1"}})
    query = {"TableName": table, "KeyConditionExpression": "#p = :p", "ExpressionAttributeNames": {"#p": "pk"}}
    dynamodb.query(**query, ExpressionAttributeValues={":p": {"S": "flights#1"}})
    with denied("AccessDeniedException"):
        dynamodb.query(**query, ExpressionAttributeValues={":p": {"S": "other#1"}})
    with denied("AccessDeniedException"):
        dynamodb.put_item(TableName=table, Item={"pk": {"S": "other#1"}})
    with denied("AccessDeniedException"):
        dynamodb.delete_item(TableName=table, Key={"pk": {"S": "flights#1"}})


def test_a_transaction_needs_the_permission_of_each_of_its_parts(acting: Callable[..., ClientOf], table: str) -> None:
    arn = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{table}"
    put = {"Put": {"TableName": table, "Item": {"pk": {"S": "a"}}}}
    check = {
        "ConditionCheck": {
            "TableName": table,
            "Key": {"pk": {"S": "b"}},
            "ConditionExpression": "attribute_not_exists(pk)",
        }
    }
    dynamodb = acting(statement("dynamodb:PutItem", arn))("dynamodb")
    dynamodb.transact_write_items(TransactItems=[put])
    with denied(match="dynamodb:ConditionCheckItem"):
        dynamodb.transact_write_items(TransactItems=[put, check])


def test_passing_a_role_needs_pass_role_for_that_service(cloud: LocalCloud, acting: Callable[..., ClientOf]) -> None:
    passed = make_role(cloud, assumed_by=trust("states.amazonaws.com"))
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    create = statement("states:CreateStateMachine")
    with denied("AccessDeniedException", match="iam:PassRole"):
        acting(create)("stepfunctions").create_state_machine(name=unique("m"), definition=definition, roleArn=passed)
    for service, works in (("lambda", False), ("states", True)):
        condition = {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
        client = acting(create, statement("iam:PassRole", passed, Condition=condition))("stepfunctions")
        if works:
            client.create_state_machine(name=unique("m"), definition=definition, roleArn=passed)
        else:
            with denied(match="iam:PassRole"):
                client.create_state_machine(name=unique("m"), definition=definition, roleArn=passed)


def test_a_service_assumes_only_roles_that_trust_it_for_that_source(cloud: LocalCloud, clients: Clients) -> None:
    machine = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:intake"
    plain = make_role(cloud, assumed_by=trust("states.amazonaws.com"))
    assert clients.role_credentials(plain, "states.amazonaws.com", "one").token
    with denied("AccessDenied", match="trust policy does not allow"):
        clients.role_credentials(plain, "events.amazonaws.com", "one")
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": machine}}
    bound = make_role(cloud, assumed_by=trust("states.amazonaws.com", **condition))
    assert clients.role_credentials(bound, "states.amazonaws.com", "one", machine).token
    with denied("AccessDenied"):
        clients.role_credentials(bound, "states.amazonaws.com", "one", machine + "2")
    with denied("AccessDenied"):
        clients.role_credentials(bound, "states.amazonaws.com", "one")


def test_a_role_assumes_another_when_both_sides_allow(
    cloud: LocalCloud, clients: Clients, acting: Callable[..., ClientOf]
) -> None:
    account = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    target = make_role(cloud, assumed_by=document(account))
    given = {"RoleArn": target, "RoleSessionName": "two"}
    assert acting(statement("sts:AssumeRole", target))("sts").assume_role(**given)["Credentials"]
    with denied("AccessDenied"):
        acting()("sts").assume_role(**given)
    with denied("AccessDenied"):
        acting(statement("sts:AssumeRole"))("sts").assume_role(RoleArn=target + "x", RoleSessionName="two")


def test_nobody_assumes_a_role_that_does_not_exist(cloud: LocalCloud) -> None:
    with denied("AccessDenied", match="no such role"):
        cloud.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/absent", RoleSessionName="one")
    real = make_role(cloud)
    assert cloud.client("sts").assume_role(RoleArn=real, RoleSessionName="one")["Credentials"]


def test_a_session_policy_narrows_the_session(cloud: LocalCloud, acting: Callable[..., ClientOf], bucket: str) -> None:
    account = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    target = make_role(cloud, statement("s3:*"), assumed_by=document(account))
    got = acting(statement("sts:AssumeRole"))("sts").assume_role(
        RoleArn=target, RoleSessionName="two", Policy=document(statement("s3:GetObject"))
    )["Credentials"]
    s3 = cloud.client("s3", key=got["AccessKeyId"], secret=got["SecretAccessKey"], token=got["SessionToken"])
    assert s3.get_object(Bucket=bucket, Key="in/a")
    with denied(match="no session policy allows"):
        s3.put_object(Bucket=bucket, Key="in/b", Body=b"b")


def test_a_permissions_boundary_limits_a_role(cloud: LocalCloud, clients: Clients, bucket: str) -> None:
    boundary = cloud.client("iam").create_policy(
        PolicyName=unique("boundary"), PolicyDocument=document(statement("s3:GetObject"))
    )["Policy"]["Arn"]
    arn = make_role(cloud, statement("s3:*"), PermissionsBoundary=boundary)
    s3 = clients.as_role(arn, "lambda.amazonaws.com", "test", "s3")
    assert s3.get_object(Bucket=bucket, Key="in/a")
    with denied(match="no permissions boundary allows"):
        s3.put_object(Bucket=bucket, Key="in/b", Body=b"b")


def test_a_user_has_own_attached_and_group_policies(cloud: LocalCloud, bucket: str) -> None:
    iam, user, group = cloud.client("iam"), unique("user"), unique("group")
    iam.create_user(UserName=user)
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=user)
    made = iam.create_access_key(UserName=user)["AccessKey"]
    s3 = cloud.client("s3", key=made["AccessKeyId"], secret=made["SecretAccessKey"])
    with denied():
        s3.get_object(Bucket=bucket, Key="in/a")
    iam.put_group_policy(GroupName=group, PolicyName="read", PolicyDocument=document(statement("s3:GetObject")))
    assert s3.get_object(Bucket=bucket, Key="in/a")
    iam.attach_user_policy(UserName=user, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    s3.put_object(Bucket=bucket, Key="in/b", Body=b"b")


def test_a_service_sends_only_where_the_resource_policy_lets_it(cloud: LocalCloud, clients: Clients) -> None:
    sqs, rule = cloud.client("sqs"), f"arn:aws:events:us-east-1:{ACCOUNT}:rule/one"
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sender = clients.as_service("events.amazonaws.com", "sqs", source_arn=rule)
    with denied(match="no resource-based policy allows the sqs:SendMessage"):
        sender.send_message(QueueUrl=url, MessageBody="hello")
    allowed = statement(
        "sqs:SendMessage",
        arn,
        Principal={"Service": "events.amazonaws.com"},
        Condition={"ArnEquals": {"aws:SourceArn": rule}},
    )
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(allowed)})
    sender.send_message(QueueUrl=url, MessageBody="hello")
    with denied():
        clients.as_service("events.amazonaws.com", "sqs", source_arn=rule + "2").send_message(
            QueueUrl=url, MessageBody="hello"
        )
    with denied():
        clients.as_service("sns.amazonaws.com", "sqs", source_arn=rule).send_message(QueueUrl=url, MessageBody="x")


def test_a_topic_reaches_only_queues_whose_policy_lets_it_in(cloud: LocalCloud) -> None:
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="lost")
    assert cloud.admin("access-denied")[-1]["principal"] == "sns.amazonaws.com"
    allowed = statement(
        "sqs:SendMessage",
        arn,
        Principal={"Service": "sns.amazonaws.com"},
        Condition={"ArnEquals": {"aws:SourceArn": topic}},
    )
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(allowed)})
    sns.publish(TopicArn=topic, Message="found")
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(message["Body"])["Message"] for message in messages] == ["found"]


def test_only_the_administrator_may_say_that_it_is_a_service(
    cloud: LocalCloud, acting: Callable[..., ClientOf]
) -> None:
    sqs = acting()("sqs")
    url = cloud.client("sqs").create_queue(QueueName=unique("queue"))["QueueUrl"]

    def pretend(request: Any, **_event: Any) -> None:
        request.headers["X-Localcloud-Caller"] = "events.amazonaws.com"

    sqs.meta.events.register("before-sign", pretend)
    with denied(match="/test is not authorized"):
        sqs.send_message(QueueUrl=url, MessageBody="hello")


CALLS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "put_events": (
        "events",
        {"Entries": [{"Source": "probe", "DetailType": "Probe", "Detail": "{}"}]},
        "events:PutEvents",
        "arn:aws:events:us-east-1:123456789012:event-bus/default",
    ),
    "put_metric_data": ("cloudwatch", {"Namespace": "N", "MetricData": []}, "cloudwatch:PutMetricData", "*"),
    "describe_alarms": (
        "cloudwatch",
        {},
        "cloudwatch:DescribeAlarms",
        "arn:aws:cloudwatch:us-east-1:123456789012:alarm:*",
    ),
    "create_log_stream": (
        "logs",
        {"logGroupName": "/g", "logStreamName": "s"},
        "logs:CreateLogStream",
        "arn:aws:logs:us-east-1:123456789012:log-group:/g:*",
    ),
    "get_parameter": ("ssm", {"Name": "/a/b"}, "ssm:GetParameter", "arn:aws:ssm:us-east-1:123456789012:parameter/a/b"),
    "publish": (
        "sns",
        {"TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Message": "m"},
        "sns:Publish",
        "arn:aws:sns:us-east-1:123456789012:t",
    ),
    "invoke": (
        "lambda",
        {"FunctionName": "f"},
        "lambda:InvokeFunction",
        "arn:aws:lambda:us-east-1:123456789012:function:f",
    ),
    "start_execution": (
        "stepfunctions",
        {"stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m", "input": "{}"},
        "states:StartExecution",
        "arn:aws:states:us-east-1:123456789012:stateMachine:m",
    ),
    "describe_endpoint": (
        "sagemaker",
        {"EndpointName": "e"},
        "sagemaker:DescribeEndpoint",
        "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e",
    ),
    "list_model_packages": (
        "sagemaker",
        {"ModelPackageGroupName": "g"},
        "sagemaker:ListModelPackages",
        "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/*",
    ),
    "invoke_endpoint": (
        "sagemaker-runtime",
        {"EndpointName": "e", "Body": b"{}"},
        "sagemaker:InvokeEndpoint",
        "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e",
    ),
    "get_schedule": (
        "scheduler",
        {"GroupName": "g", "Name": "n"},
        "scheduler:GetSchedule",
        "arn:aws:scheduler:us-east-1:123456789012:schedule/g/n",
    ),
    "get_role": ("iam", {"RoleName": "r"}, "iam:GetRole", "arn:aws:iam::123456789012:role/r"),
    "describe_stacks": (
        "cloudformation",
        {"StackName": "s"},
        "cloudformation:DescribeStacks",
        "arn:aws:cloudformation:us-east-1:123456789012:stack/s/*",
    ),
}


@pytest.mark.parametrize("operation", CALLS)
def test_each_service_is_guarded_by_its_action_on_its_resource(
    cloud: LocalCloud, acting: Callable[..., ClientOf], operation: str
) -> None:
    service, arguments, action, resource = CALLS[operation]
    with denied():
        getattr(acting()(service), operation)(**arguments)
    with denied():
        getattr(acting(statement(action, "arn:aws:other:::x"))(service), operation)(**arguments)
    before = cloud.admin("access-denied")[-1:]
    with contextlib.suppress(ClientError):  # the thing itself may not exist
        getattr(acting(statement(action, resource))(service), operation)(**arguments)
    assert cloud.admin("access-denied")[-1:] == before


def test_an_approval_can_be_denied_by_status(acting: Callable[..., ClientOf]) -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/flights/1"
    approved = {"StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"}}
    sagemaker = acting(
        statement("sagemaker:UpdateModelPackage"),
        statement("sagemaker:UpdateModelPackage", "*", "Deny", Condition=approved),
    )("sagemaker")
    with denied(match="explicit deny in an identity-based policy"):
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    with pytest.raises(ClientError) as other:
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")
    assert "not authorized" not in str(other.value)


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("dynamodb", "list_tables", "UnrecognizedClientException"),
    ],
)
def test_an_unknown_key_is_refused(cloud: LocalCloud, service: str, operation: str, code: str) -> None:
    with denied(code):
        getattr(cloud.client(service, key="AKIAIOSFODNN7NOBODY0"), operation)()


def test_who_am_i_needs_no_permission(acting: Callable[..., ClientOf]) -> None:
    assert acting()("sts").get_caller_identity()["Arn"].endswith("/test")


def test_a_presigned_url_carries_the_permissions_of_who_signed_it(
    acting: Callable[..., ClientOf], bucket: str, cloud: LocalCloud
) -> None:
    def fetch(client: Any) -> int:
        url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "in/a"})
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return int(error.code)

    assert fetch(acting(statement("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))("s3")) == 200
    assert fetch(acting()("s3")) == 403
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{cloud.endpoint}/{bucket}/in/a", timeout=10)


def test_a_schedule_assumes_its_role_for_its_group(cloud: LocalCloud, eventually: Callable[..., Any]) -> None:
    group, sqs, scheduler = unique("group"), cloud.client("sqs"), cloud.client("scheduler")
    scheduler.create_schedule_group(Name=group)
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    source = {"ArnLike": {"aws:SourceArn": f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/{group}"}}
    trusted = trust("scheduler.amazonaws.com", **source)
    role = make_role(cloud, statement("sqs:SendMessage", arn), assumed_by=trusted)
    scheduler.create_schedule(
        Name="now",
        GroupName=group,
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": role, "Input": "{}"},
    )
    cloud.advance(61)
    assert eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), 20)
    scheduler.delete_schedule(Name="now", GroupName=group)
