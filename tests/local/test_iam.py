"""IAM from outside: who may do what, as roles and users and as services, on a cloud that enforces it."""

import contextlib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud
from .iam_support import ACCOUNT, ClientOf, denied, document, statement, unique


@pytest.fixture
def bucket(cloud: LocalCloud) -> str:
    name = unique("bucket")
    cloud.client("s3").create_bucket(Bucket=name)
    cloud.client("s3").put_object(Bucket=name, Key="in/a", Body=b"a")
    return name


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


def test_versions_tags_and_copies_need_their_own_permissions(acting: Callable[..., ClientOf], bucket: str) -> None:
    s3 = acting(statement(["s3:PutObject", "s3:ListBucket"], "*"))("s3")
    with denied(match="s3:PutObjectTagging"):
        s3.put_object(Bucket=bucket, Key="in/b", Body=b"b", Tagging="a=b")
    with denied(match="s3:GetObject "):
        s3.copy_object(Bucket=bucket, Key="in/c", CopySource={"Bucket": bucket, "Key": "in/a"})
    with denied():
        s3.head_object(Bucket=bucket, Key="in/a", VersionId="null")


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


def test_a_query_of_an_index_needs_the_index_and_the_same_leading_key(
    acting: Callable[..., ClientOf], cloud: LocalCloud
) -> None:
    name = unique("indexed")
    key = {"AttributeName": "pk", "KeyType": "HASH"}
    by = {"IndexName": "by-kind", "KeySchema": [key, {"AttributeName": "kind", "KeyType": "RANGE"}]}
    cloud.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk", "kind")],
        KeySchema=[key, {"AttributeName": "sk", "KeyType": "RANGE"}],
        LocalSecondaryIndexes=[{**by, "Projection": {"ProjectionType": "ALL"}}],
    )
    arn = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{name}"
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["flights"]}}
    query = {"TableName": name, "IndexName": "by-kind", "KeyConditionExpression": "pk = :p"}
    dynamodb = acting(statement("dynamodb:Query", f"{arn}/index/by-kind", Condition=own))("dynamodb")
    dynamodb.query(**query, ExpressionAttributeValues={":p": {"S": "flights"}})
    with denied("AccessDeniedException"):
        dynamodb.query(**query, ExpressionAttributeValues={":p": {"S": "other"}})
    table_only = acting(statement("dynamodb:Query", arn, Condition=own))("dynamodb")
    with denied("AccessDeniedException"):
        table_only.query(**query, ExpressionAttributeValues={":p": {"S": "flights"}})


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
