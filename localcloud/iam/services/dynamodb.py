"""Amazon DynamoDB. Source: service authorization reference, and "Using IAM policy conditions" of its guide."""

from collections.abc import Iterable, Iterator
from typing import Any

from localcloud.iam.calls import Call
from localcloud.iam.policies import Access

_TRANSACTION_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_GLOBAL = frozenset({"ListTables", "DescribeLimits", "DescribeEndpoints", "ListBackups", "ListGlobalTables"})
_STREAMS = frozenset({"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"})


def accesses(call: Call) -> Iterator[Access]:
    """Everything that one request needs, per table or index and with the keys that it touches."""
    parameters = call.parameters
    if call.operation in _GLOBAL:
        yield Access(call.action, "*")
    elif call.operation in _STREAMS:
        yield Access(call.action, call.text("StreamArn") or "*")
    elif "TransactItems" in parameters:
        yield from _transaction(call, parameters["TransactItems"])
    elif "RequestItems" in parameters:
        for table, requests in parameters["RequestItems"].items():
            yield Access(call.action, _table(call, table), _leading_keys(call, table, _batch_keys(requests)))
    elif "Statements" in parameters or "Statement" in parameters:
        yield Access(call.action, "*")
    else:
        name = call.text("TableName") or call.text("ResourceArn")
        index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
        keys = [one for one in (parameters.get("Key"), parameters.get("Item")) if one]
        context = _leading_keys(call, name, keys) | _queried_key(call, name)
        yield Access(call.action, _table(call, name) + index, context)


def table_names(call: Call) -> set[str]:
    """The tables that a request reads or writes."""
    arns = {access.resource for access in accesses(call)}
    return {arn.partition(":table/")[2].partition("/")[0] for arn in arns if ":table/" in arn}


def _transaction(call: Call, items: list[dict[str, Any]]) -> Iterator[Access]:
    for item in items:
        for kind, request in item.items():
            keys = [request.get("Key") or request.get("Item") or {}]
            context = _leading_keys(call, request["TableName"], keys)
            action = f"dynamodb:{_TRANSACTION_ACTIONS[kind]}"
            yield Access(action, _table(call, request["TableName"]), context)


def _table(call: Call, name: str) -> str:
    return name if name.startswith("arn:") else call.arn(f"table/{name}")


def _batch_keys(requests: Any) -> list[dict[str, Any]]:
    if isinstance(requests, dict):
        return list(requests.get("Keys", []))
    return [
        request.get("PutRequest", {}).get("Item") or request.get("DeleteRequest", {}).get("Key") or {}
        for request in requests
    ]


def _leading_keys(call: Call, table: str, keys: Iterable[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The partition keys, when the table is known."""
    name = _partition_key(call, table)
    values = tuple(_value(key[name]) for key in keys if name is not None and name in key)
    return {"dynamodb:leadingkeys": values} if values else {}


def _queried_key(call: Call, table: str) -> dict[str, tuple[str, ...]]:
    """The partition key of a query, from its key condition (old form or expression)."""
    name = _partition_key(call, table, call.text("IndexName"))
    if name is None or call.operation != "Query":
        return {}
    old = call.parameters.get("KeyConditions", {}).get(name)
    if old:
        return {"dynamodb:leadingkeys": tuple(_value(one) for one in old["AttributeValueList"])}
    placeholder = _compared_with(call, name)
    values = call.parameters.get("ExpressionAttributeValues", {})
    return {"dynamodb:leadingkeys": (_value(values[placeholder]),)} if placeholder in values else {}


def _compared_with(call: Call, name: str) -> str:
    """The placeholder that an expression compares the partition key with."""
    aliases = {alias for alias, real in call.parameters.get("ExpressionAttributeNames", {}).items() if real == name}
    tokens = call.text("KeyConditionExpression").replace("=", " = ").replace("(", " ").replace(")", " ").split()
    for left, operator, right in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if operator == "=" and left in aliases | {name}:
            return right
    return ""


def _partition_key(call: Call, table: str, index: str = "") -> str | None:
    """Of the table, or of one of its indices; None when there is no such table or index."""
    from moto.dynamodb.models import dynamodb_backends

    name = table.rpartition("/")[2] if table.startswith("arn:") else table
    found = dynamodb_backends[call.account][call.region].tables.get(name)
    if found is None or not index:
        return None if found is None else str(found.hash_key_attr)
    keys = (key for each in (*found.indexes, *found.global_indexes) if each.name == index for key in each.schema)
    return next((str(key["AttributeName"]) for key in keys if key["KeyType"] == "HASH"), None)


def _value(attribute: dict[str, Any]) -> str:
    """The plain text of a typed attribute value."""
    return str(next(iter(attribute.values())))
