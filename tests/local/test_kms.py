"""Keys that an account would take hours to notice as disabled: tables and log groups."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud
from .iam_support import ACCOUNT, document, statement, unique


@pytest.fixture
def key(cloud: LocalCloud) -> str:
    """A key that anybody may use."""
    everybody = {"AWS": f"arn:aws:iam::{ACCOUNT}:root", "Service": "logs.us-east-1.amazonaws.com"}
    policy = document(statement("kms:*", Principal=everybody))
    return str(cloud.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"])


def refused(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError, match="is disabled") as error:
        call(**arguments)
    return str(error.value.response["Error"]["Code"])


def test_items_cannot_be_read_or_written_while_their_key_is_disabled(cloud: LocalCloud, key: str) -> None:
    dynamodb, kms, table = cloud.client("dynamodb"), cloud.client("kms"), unique("table")
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    put = {"TableName": table, "Item": {"pk": {"S": "a"}}}
    get = {"TableName": table, "Key": {"pk": {"S": "a"}}}
    dynamodb.put_item(**put)
    kms.disable_key(KeyId=key)
    assert refused(dynamodb.put_item, **put) == "AccessDeniedException"
    assert refused(dynamodb.get_item, **get) == "AccessDeniedException"
    assert dynamodb.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"
    kms.enable_key(KeyId=key)
    assert "Item" in dynamodb.get_item(**get)


def test_logs_cannot_be_read_while_their_key_is_disabled(cloud: LocalCloud, key: str) -> None:
    logs, kms, group = cloud.client("logs"), cloud.client("kms"), unique("logs")
    logs.create_log_group(logGroupName=group, kmsKeyId=key)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    kms.disable_key(KeyId=key)
    assert refused(logs.get_log_events, logGroupName=group, logStreamName="one") == "AccessDeniedException"
    kms.enable_key(KeyId=key)
    assert logs.get_log_events(logGroupName=group, logStreamName="one")["events"] == []
