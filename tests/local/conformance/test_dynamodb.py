"""DynamoDB: conditional writes, transactions and their client tokens, pages."""

import uuid
from typing import Any

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


def item(table: str, key: str, number: int) -> dict[str, Any]:
    return {"TableName": table, "Item": {"id": {"S": key}, "n": {"N": str(number)}}}


def add_one(table: str, key: str) -> dict[str, Any]:
    update = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    return {"TableName": table, "Key": {"id": {"S": key}}, **update}


def number(account: Account, table: str, key: str) -> str | None:
    found = account.client("dynamodb").get_item(TableName=table, Key={"id": {"S": key}}, ConsistentRead=True)
    return str(found["Item"]["n"]["N"]) if "Item" in found else None


def test_a_put_whose_condition_does_not_hold_changes_nothing(account: Account, table: str) -> None:
    dynamodb = account.client("dynamodb")
    dynamodb.put_item(**item(table, "a", 1))
    with pytest.raises(ClientError) as refused:
        dynamodb.put_item(**item(table, "a", 2), ConditionExpression="attribute_not_exists(id)")
    assert refused.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert number(account, table, "a") == "1"


def test_a_failed_condition_gives_the_item_that_stood_in_the_way(account: Account, table: str) -> None:
    dynamodb = account.client("dynamodb")
    dynamodb.put_item(**item(table, "a", 1))
    condition = {
        "ConditionExpression": "n > :n",
        "ExpressionAttributeValues": {":n": {"N": "1"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    with pytest.raises(ClientError) as refused:
        dynamodb.delete_item(TableName=table, Key={"id": {"S": "a"}}, **condition)
    assert refused.value.response["Item"] == {"id": {"S": "a"}, "n": {"N": "1"}}


def test_an_update_adds_and_returns_what_is_new(account: Account, table: str) -> None:
    dynamodb = account.client("dynamodb")
    for expected in ("1", "2"):
        done = dynamodb.update_item(**add_one(table, "a"), ReturnValues="UPDATED_NEW")
        assert done["Attributes"] == {"n": {"N": expected}}


def test_a_transaction_writes_all_or_nothing_and_says_why(account: Account, table: str) -> None:
    dynamodb = account.client("dynamodb")
    dynamodb.put_item(**item(table, "taken", 1))
    put = {"Put": item(table, "free", 1)}
    once = {"Put": item(table, "taken", 2) | {"ConditionExpression": "attribute_not_exists(id)"}}
    with pytest.raises(ClientError) as refused:
        dynamodb.transact_write_items(TransactItems=[put, once])
    assert refused.value.response["Error"]["Code"] == "TransactionCanceledException"
    reasons = [one["Code"] for one in refused.value.response["CancellationReasons"]]
    assert reasons == ["None", "ConditionalCheckFailed"]
    assert (number(account, table, "free"), number(account, table, "taken")) == (None, "1")


def test_a_transaction_checks_what_it_does_not_write(account: Account, table: str) -> None:
    dynamodb = account.client("dynamodb")
    exists = {"TableName": table, "Key": {"id": {"S": "a"}}, "ConditionExpression": "attribute_exists(id)"}
    both = [{"ConditionCheck": exists}, {"Put": item(table, "b", 1)}]
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.transact_write_items(TransactItems=both)
    dynamodb.put_item(**item(table, "a", 1))
    dynamodb.transact_write_items(TransactItems=both)
    assert number(account, table, "b") == "1"


def test_a_transaction_names_each_item_once(account: Account, table: str) -> None:
    twice = [{"Put": item(table, "a", 1)}, {"Update": add_one(table, "a")}]
    with pytest.raises(ClientError) as refused:
        account.client("dynamodb").transact_write_items(TransactItems=twice)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_transaction_that_is_sent_twice_with_one_token_acts_once(account: Account, table: str) -> None:
    dynamodb, token = account.client("dynamodb"), uuid.uuid4().hex
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[{"Update": add_one(table, "a")}], ClientRequestToken=token)
    assert number(account, table, "a") == "1"
    dynamodb.transact_write_items(TransactItems=[{"Update": add_one(table, "a")}], ClientRequestToken=uuid.uuid4().hex)
    assert number(account, table, "a") == "2"


def test_a_token_is_for_one_request_only(account: Account, table: str) -> None:
    dynamodb, token = account.client("dynamodb"), uuid.uuid4().hex
    dynamodb.transact_write_items(TransactItems=[{"Update": add_one(table, "a")}], ClientRequestToken=token)
    with pytest.raises(ClientError) as refused:
        dynamodb.transact_write_items(TransactItems=[{"Update": add_one(table, "b")}], ClientRequestToken=token)
    assert refused.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"
    assert number(account, table, "b") is None


def test_a_transaction_that_was_cancelled_may_be_sent_again_with_its_token(account: Account, table: str) -> None:
    dynamodb, token = account.client("dynamodb"), uuid.uuid4().hex
    exists = {"TableName": table, "Key": {"id": {"S": "a"}}, "ConditionExpression": "attribute_exists(id)"}
    request = {"TransactItems": [{"ConditionCheck": exists}, {"Update": add_one(table, "b")}]}
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.transact_write_items(**request, ClientRequestToken=token)
    dynamodb.put_item(**item(table, "a", 1))
    dynamodb.transact_write_items(**request, ClientRequestToken=token)
    assert number(account, table, "b") == "1"


def test_a_token_counts_for_ten_minutes(account: Account, table: str) -> None:
    dynamodb, token = account.client("dynamodb"), uuid.uuid4().hex
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[{"Update": add_one(table, "a")}], ClientRequestToken=token)
        account.pass_time(660)
    assert number(account, table, "a") == "2"


def test_items_are_read_together_and_missing_ones_are_left_out(account: Account, table: str) -> None:
    dynamodb = account.client("dynamodb")
    dynamodb.put_item(**item(table, "a", 1))
    keys = [{"id": {"S": key}} for key in ("a", "b")]
    asked = [{"Get": {"TableName": table, "Key": key}} for key in keys]
    assert dynamodb.transact_get_items(TransactItems=asked)["Responses"][0]["Item"]["n"] == {"N": "1"}
    found = dynamodb.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
    assert [one["id"] for one in found["Responses"][table]] == [{"S": "a"}]


def test_a_scan_goes_on_where_its_page_ended(account: Account, table: str) -> None:
    dynamodb = account.client("dynamodb")
    puts = [{"PutRequest": {"Item": {"id": {"S": str(number)}}}} for number in range(5)]
    assert not dynamodb.batch_write_item(RequestItems={table: puts})["UnprocessedItems"]
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table, ConsistentRead=True, PaginationConfig={"PageSize": 2}
    )
    sizes, keys = zip(*((page["Count"], [one["id"]["S"] for one in page["Items"]]) for page in pages), strict=True)
    assert max(sizes) == 2
    assert sorted(key for page in keys for key in page) == list("01234")


def test_an_item_above_four_hundred_kilobytes_is_refused(account: Account, table: str) -> None:
    with pytest.raises(ClientError) as refused:
        account.client("dynamodb").put_item(TableName=table, Item={"id": {"S": "a"}, "text": {"S": "x" * (400 * 1024)}})
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_table_that_is_not_there_is_not_found(account: Account) -> None:
    with pytest.raises(ClientError) as refused:
        account.client("dynamodb").get_item(TableName=account.unique("none"), Key={"id": {"S": "a"}})
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


@pytest.fixture
def readings(account: Account) -> str:
    """Twelve items of two partitions, each with numbers, lists and gaps, in a table with an index over their kind."""
    dynamodb, name = account.client("dynamodb"), account.unique("readings")
    dynamodb.create_table(
        TableName=name,
        KeySchema=_keys("at"),
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("of", "at", "kind")],
        LocalSecondaryIndexes=[
            {"IndexName": "kind", "KeySchema": _keys("kind"), "Projection": {"ProjectionType": "ALL"}}
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    account.later(dynamodb.delete_table, TableName=name)
    for place in range(12):
        dynamodb.put_item(TableName=name, Item=_reading(place))
    return name


def _keys(sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": "of", "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _reading(place: int) -> dict[str, Any]:
    """Even ones are of ``a``, odd ones of ``b``; every third has no kind, so that the index does not hold it."""
    kind = {"kind": {"S": f"drift.{place:02d}"}} if place % 3 else {}
    values = {"L": [{"N": str(place)}, {"S": ""}, {"BOOL": False}, {"NULL": True}, {"M": {"raw": {"B": b"\x00\xff"}}}]}
    return {"of": {"S": "ab"[place % 2]}, "at": {"S": f"{place:02d}"}, "values": values, **kind}


def _asked(account: Account, table: str, condition: str, value: str, **more: Any) -> Any:
    """What a query for partition ``a`` answers; the condition calls the sort key ``#by``."""
    return account.client("dynamodb").query(
        TableName=table,
        KeyConditionExpression=f"#of = :of AND {condition}",
        ExpressionAttributeNames={"#of": "of", "#by": str(more.get("IndexName", "at"))},
        ExpressionAttributeValues={":of": {"S": "a"}, ":value": {"S": value}},
        **more,
    )


def test_a_query_finds_what_its_conditions_choose_in_order_and_whole(account: Account, readings: str) -> None:
    found = _asked(account, readings, "#by > :value", "02")
    assert found["Items"] == [_reading(place) for place in (4, 6, 8, 10)]
    assert (found["Count"], found.get("LastEvaluatedKey")) == (4, None)
    back = _asked(account, readings, "#by <= :value", "04", ScanIndexForward=False)
    assert [item["at"]["S"] for item in back["Items"]] == ["04", "02", "00"]


def test_an_index_holds_only_items_that_have_its_attribute(account: Account, readings: str) -> None:
    found = _asked(account, readings, "begins_with(#by, :value)", "drift.", IndexName="kind")
    assert [item["at"]["S"] for item in found["Items"]] == ["02", "04", "08", "10"]


def test_pages_of_a_query_go_on_where_the_last_one_ended(account: Account, readings: str) -> None:
    seen: list[list[str]] = []
    start: dict[str, Any] = {}
    for _ in range(4):
        page = _asked(account, readings, "#by >= :value", "02", Limit=2, **start)
        seen.append([item["at"]["S"] for item in page["Items"]])
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert [at for page in seen for at in page] == ["02", "04", "06", "08", "10"]
    assert all(len(page) <= 2 for page in seen)


def test_a_query_for_a_partition_without_items_finds_none(account: Account, readings: str) -> None:
    values = {":of": {"S": "nobody"}}
    query = {"TableName": readings, "KeyConditionExpression": "#of = :of", "ExpressionAttributeNames": {"#of": "of"}}
    found = account.client("dynamodb").query(**query, ExpressionAttributeValues=values)
    assert (found["Items"], found["Count"]) == ([], 0)
