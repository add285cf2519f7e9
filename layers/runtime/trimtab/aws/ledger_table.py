"""DynamoDB behind the Ledger port: one table for all models, one partition of entries per model.

Maps are stored as canonical JSON text: DynamoDB's numbers would read back as others than were hashed.
"""

import json
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from trimtab.errors import LedgerConflict
from trimtab.ledger import canonical_json, ensure_holds, next_entry
from trimtab.ports import Claim, Entry, Lease
from trimtab.precondition import Precondition

_HEAD, _LAST = "HEAD", "9" * 12
_ATTEMPTS = 12
_NEW = "attribute_not_exists(pk)"
_HELD = "fence = :fence AND holder = :holder"
_UNCHANGED = f"{_HELD} AND expires = :expires"
"""The lease is what was read: its holder has not renewed it in between."""
Item = dict[str, str]


class LedgerTable:
    """The ledger of one model. Appends are linear: each transaction moves the head from the row it read."""

    def __init__(self, dynamodb: Any, table: str, model: str) -> None:
        self._dynamodb, self._table, self.model = dynamodb, table, model

    def append(
        self,
        kind: str,
        subject: str,
        data: Mapping[str, Any],
        at: datetime,
        actor: str,
        *,
        state: Mapping[str, Mapping[str, Any]] | None = None,
        given: Precondition | None = None,
    ) -> Entry:
        for attempt in range(_ATTEMPTS):
            head = self._head()
            if given and head and head[0] > given.after:
                ensure_holds(given, self.after(given.after))
            entry = next_entry(self.model, head, kind, subject, data, at, actor)
            if self._write(entry, state or {}):
                return entry
            time.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 6)))  # full jitter between writers
        raise LedgerConflict(
            f"{_ATTEMPTS} other writers were faster on the ledger of {self.model}; run this step again"
        )

    def entries(self, kind_prefix: str = "", subject: str | None = None) -> list[Entry]:
        where = self._found_by(kind_prefix, subject)
        pages = self._dynamodb.get_paginator("query").paginate(TableName=self._table, ConsistentRead=True, **where)
        found = (_entry(_plain(item)) for page in pages for item in page["Items"])
        chosen = (e for e in found if e.kind.startswith(kind_prefix) and subject in (None, e.subject))
        return sorted(chosen, key=lambda entry: entry.seq)

    def after(self, seq: int) -> list[Entry]:
        """The entries that were written after the one with this number, in order: for who watches the ledger grow."""
        where = _query("pk = :pk AND sk BETWEEN :value AND :last", self.model, _place(seq + 1))
        where["ExpressionAttributeValues"] |= _typed({":last": _LAST})
        pages = self._dynamodb.get_paginator("query").paginate(TableName=self._table, ConsistentRead=True, **where)
        return [_entry(_plain(item)) for page in pages for item in page["Items"]]

    def _found_by(self, kind_prefix: str, subject: str | None) -> dict[str, Any]:
        """The query that reads least: by subject, by kind, or the model's whole partition."""
        if subject:
            return _query("pk = :pk AND #by = :value", self.model, subject, "subject")
        if kind_prefix:
            return _query("pk = :pk AND begins_with(#by, :value)", self.model, kind_prefix, "kind")
        return _query("pk = :pk AND sk < :value", self.model, _HEAD)

    def _head(self) -> tuple[int, str] | None:
        item = self._get(self.model, _HEAD)
        return (int(item["seq"]), item["hash"]) if item else None

    def _write(self, entry: Entry, state: Mapping[str, Mapping[str, Any]]) -> bool:
        """False when another writer had moved the head."""
        states = [self._state(name, value) for name, value in state.items()]
        writes = [self._put(_item(entry), _NEW), self._move_head(entry), *map(self._put, states)]
        try:
            self._dynamodb.transact_write_items(TransactItems=[{"Put": write} for write in writes])
        except ClientError as error:
            if error.response["Error"]["Code"] in {"TransactionCanceledException", "TransactionConflictException"}:
                return False
            raise
        return True

    def _move_head(self, entry: Entry) -> dict[str, Any]:
        head = {"pk": self.model, "sk": _HEAD, "seq": str(entry.seq), "hash": entry.hash}
        if entry.seq == 1:
            return self._put(head, _NEW)
        names = {"ExpressionAttributeNames": {"#hash": "hash"}}
        return self._put(head, "#hash = :prev", {":prev": entry.prev}) | names

    def state(self, name: str) -> dict[str, Any] | None:
        item = self._get(f"{self.model}#state", name)
        return json.loads(item["value"]) if item else None

    def keep(self, name: str, value: Mapping[str, Any]) -> None:
        self._dynamodb.put_item(**self._put(self._state(name, value)))

    def _state(self, name: str, value: Mapping[str, Any]) -> Item:
        return {"pk": f"{self.model}#state", "sk": name, "value": canonical_json(value)}

    def claim(self, name: str, holder: str, at: datetime, data: Mapping[str, Any]) -> Claim:
        pk = f"{self.model}#claim"
        item = {"pk": pk, "sk": name, "holder": holder, "at": _iso(at), "data": canonical_json(data)}
        if self._put_if(item, _NEW):
            return Claim(holder, at, dict(data), first=True)
        found = self._get(pk, name) or item
        return Claim(
            found["holder"],
            datetime.fromisoformat(found["at"]),
            json.loads(found["data"]),
            first=found["holder"] == holder,
        )

    def lease(self, name: str, holder: str, at: datetime, ttl_s: float) -> Lease | None:
        expires = at + timedelta(seconds=ttl_s)
        held = self._get(f"{self.model}#lease", name)
        if held is None:
            return self._take(name, holder, 1, expires, _NEW, {})
        if held["holder"] not in ("", holder) and datetime.fromisoformat(held["expires"]) > at:
            return None
        fence = int(held["fence"]) + (held["holder"] != holder)
        seen = {":fence": held["fence"], ":holder": held["holder"], ":expires": held["expires"]}
        return self._take(name, holder, fence, expires, _UNCHANGED, seen)

    def lease_holder(self, name: str) -> Lease | None:
        held = self._get(f"{self.model}#lease", name)
        if held is None or not held["holder"]:
            return None
        return Lease(held["holder"], int(held["fence"]), datetime.fromisoformat(held["expires"]))

    def release(self, name: str, holder: str, fence: int) -> bool:
        seen = {":fence": str(fence), ":holder": holder}
        return self._take(name, "", fence, datetime.fromtimestamp(0, UTC), _HELD, seen) is not None

    def _take(self, name: str, holder: str, fence: int, expires: datetime, condition: str, seen: Item) -> Lease | None:
        pk = f"{self.model}#lease"
        item = {"pk": pk, "sk": name, "holder": holder, "fence": str(fence), "expires": _iso(expires)}
        return Lease(holder, fence, expires) if self._put_if(item, condition, seen) else None

    def _get(self, pk: str, sk: str) -> Item | None:
        key = _typed({"pk": pk, "sk": sk})
        found = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return _plain(found) if found else None

    def _put(self, item: Item, condition: str | None = None, values: Item | None = None) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": self._table, "Item": _typed(item)}
        if condition:
            put["ConditionExpression"] = condition
        if values:
            put["ExpressionAttributeValues"] = _typed(values)
        return put

    def _put_if(self, item: Item, condition: str, values: Item | None = None) -> bool:
        try:
            self._dynamodb.put_item(**self._put(item, condition, values))
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True


def _query(condition: str, model: str, value: str, index: str = "") -> dict[str, Any]:
    """On the table, or on the index of that name, whose attribute the condition calls ``#by``."""
    of_index = {"IndexName": index, "ExpressionAttributeNames": {"#by": index}} if index else {}
    values = _typed({":pk": model, ":value": value})
    return {"KeyConditionExpression": condition, "ExpressionAttributeValues": values} | of_index


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def _item(entry: Entry) -> Item:
    return {
        "pk": entry.model,
        "sk": _place(entry.seq),
        "kind": entry.kind,
        "subject": entry.subject,
        "data": canonical_json(entry.data),
        "at": _iso(entry.at),
        "actor": entry.actor,
        "prev": entry.prev,
        "hash": entry.hash,
    }


def _place(seq: int) -> str:
    """The sort key of an entry."""
    return f"{seq:012d}"


def _entry(item: Item) -> Entry:
    return Entry(
        model=item["pk"],
        seq=int(item["sk"]),
        kind=item["kind"],
        subject=item["subject"],
        data=json.loads(item["data"]),
        at=datetime.fromisoformat(item["at"]),
        actor=item["actor"],
        prev=item["prev"],
        hash=item["hash"],
    )


def _typed(item: Item) -> dict[str, dict[str, str]]:
    return {key: {"S": value} for key, value in item.items()}


def _plain(item: Mapping[str, Mapping[str, str]]) -> Item:
    return {key: value["S"] for key, value in item.items()}
