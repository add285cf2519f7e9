"""DynamoDB: what moto does otherwise than AWS. Streams end here: nothing reads them."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from localcloud.cloud import Cloud

_TOKEN = "ClientRequestToken"
_KEPT_SECONDS = 600
_HANDLER = "moto.dynamodb.responses:DynamoHandler"
_QUERY = "moto.dynamodb.models.table:Table.query"
_STRUCTURE = "moto.core.serialize:BaseJSONSerializer._serialize_type_structure"
_ATTRIBUTE = "AttributeValue"


@dataclass(frozen=True)
class _Done:
    """A transaction that succeeded: what was asked for, the answer, and until when its token counts."""

    request: dict[str, Any]
    answer: Any
    until: float


def install(cloud: Cloud) -> None:
    """A transaction that is sent again with its client token, within ten virtual minutes, does not act again."""

    def write(response: Any) -> Any:
        token = response.body.get(_TOKEN)
        return _once(cloud, response, token, original) if token else original(response)

    def update(response: Any) -> Any:
        return _without_keys(response, original_update)

    original = cloud.patches.replace(f"{_HANDLER}.transact_write_items", write, "does not look at client tokens")
    original_update = cloud.patches.replace(f"{_HANDLER}.update_item", update, "returns the key as updated")
    cloud.patches.wrap(_QUERY, querying, "sorts and measures the whole table, also for a query that finds one item")
    cloud.patches.wrap(_STRUCTURE, serialising, "looks for every type, by four spellings, in each attribute")


def _once(cloud: Cloud, response: Any, token: str, write: Callable[[Any], Any]) -> Any:
    from moto.dynamodb.exceptions import DynamodbException

    now, request = cloud.clock.now(), {name: value for name, value in response.body.items() if name != _TOKEN}
    done: dict[str, _Done] = response.dynamodb_backend.__dict__.setdefault("client_tokens", {})
    for old in [key for key, one in done.items() if one.until <= now]:
        del done[old]
    if token not in done:
        done[token] = _Done(request, write(response), now + _KEPT_SECONDS)
    elif done[token].request != request:
        message = "The provided client token was used with other parameters before."
        raise DynamodbException("IdempotentParameterMismatchException", message)
    return done[token].answer


def _without_keys(response: Any, update: Callable[[Any], Any]) -> Any:
    """A key is never updated, also when its item is new."""
    answer = update(response)
    if response.body.get("ReturnValues") == "UPDATED_NEW":
        for name in response.body["Key"]:
            answer.result.get("Attributes", {}).pop(name, None)
    return answer


def querying(query: Callable[..., Any]) -> Callable[..., Any]:
    """The same answer from a table that holds only what the key conditions choose."""

    def narrowed(table: Any, hash_key: Any, comparison: Any, values: Any, limit: Any, *more: Any, **named: Any) -> Any:
        index = named.get("index_name", more[3] if len(more) > 3 else None)
        if hash_key is not None and _shares_partitions(table, index):
            table = copy.copy(table)
            chosen = table.items.get(hash_key, {})
            if table.has_range_key:
                # a page of Limit items ends at the next one, also where a condition leaves that one out
                is_whole = limit is not None or not comparison
                place = _range_of(table, index)
                chosen = dict(chosen) if is_whole else dict(_matching(chosen, place, comparison, values))
            table.items = {hash_key: chosen} if chosen else {}
        return query(table, hash_key, comparison, values, limit, *more, **named)

    return narrowed


def _shares_partitions(table: Any, index: str | None) -> bool:
    """Whether an index, if there is one, has the table's own hash key."""
    return index is None or _key_of(table, index, "HASH") == [table.hash_key_attr]


def _range_of(table: Any, index: str | None) -> str | None:
    """The attribute that a comparison is about; none where an index has several."""
    names = [table.range_key_attr] if index is None else _key_of(table, index, "RANGE")
    return names[0] if len(names) == 1 else None


def _key_of(table: Any, index: str, role: str) -> list[str]:
    found = next((one for one in table.all_indexes() if one.name == index), None)
    return [key["AttributeName"] for key in found.schema if key["KeyType"] == role] if found else []


def _matching(items: Any, name: str | None, comparison: str, values: Any) -> Iterator[tuple[Any, Any]]:
    for key, item in list(items.items()):
        value = item.attrs.get(name) if name else None
        if name is None or (value is not None and value.compare(comparison, values)):
            yield key, item


def serialising(serialise: Callable[..., None]) -> Callable[..., None]:
    """An attribute of an item is written by the one type that it has."""

    def structure(serialiser: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name != _ATTRIBUTE or not key or not isinstance(value, dict):
            serialise(serialiser, serialized, value, shape, key)
            return
        wrapper: dict[str, Any] = {}
        for name, content in value.items():
            if content is not None:
                serialiser._serialize(wrapper, content, shape.members[name], name)
        serialiser._default_serialize(serialized, wrapper, shape, key)

    return structure
