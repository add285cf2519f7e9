"""DynamoDB: conditional writes, transactions and their client tokens."""

import uuid

import pytest
from botocore.exceptions import ClientError

from .account import Account

pytestmark = pytest.mark.dynamodb


@pytest.fixture
def table(account: Account) -> str:
    """A table whose items are found by `id`."""
    dynamodb, name = account.client("dynamodb"), account.unique("table")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    account.later(dynamodb.delete_table, TableName=name)
    return name


def test_a_put_whose_condition_does_not_hold_changes_nothing(account: Account, table: str) -> None:
    dynamodb = account.client("dynamodb")
    dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "n": {"N": "1"}})
    with pytest.raises(ClientError) as refused:
        dynamodb.put_item(
            TableName=table, Item={"id": {"S": "a"}, "n": {"N": "2"}}, ConditionExpression="attribute_not_exists(id)"
        )
    assert refused.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert dynamodb.get_item(TableName=table, Key={"id": {"S": "a"}})["Item"]["n"] == {"N": "1"}


def test_a_transaction_that_is_sent_twice_with_one_token_acts_once(account: Account, table: str) -> None:
    dynamodb = account.client("dynamodb")
    add = {
        "Update": {
            "TableName": table,
            "Key": {"id": {"S": "counter"}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    token = uuid.uuid4().hex
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[add], ClientRequestToken=token)
    assert dynamodb.get_item(TableName=table, Key={"id": {"S": "counter"}})["Item"]["n"] == {"N": "1"}
