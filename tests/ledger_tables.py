"""A table for a ledger as the stacks make it, for tests that deploy no stack."""

from typing import Any

INDICES = ("kind", "subject")


def make_ledger_table(dynamodb: Any, name: str) -> str:
    """A table of that name, with the ledger's keys and indices."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk", *INDICES)],
        KeySchema=_keys("sk"),
        LocalSecondaryIndexes=[
            {"IndexName": index, "KeySchema": _keys(index), "Projection": {"ProjectionType": "ALL"}}
            for index in INDICES
        ],
    )
    return name


def _keys(sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
