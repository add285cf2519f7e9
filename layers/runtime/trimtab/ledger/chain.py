"""A hash chain over entries: editing, removing or reordering one breaks every hash after it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from trimtab.errors import DecisionOvertaken
from trimtab.ports import Entry
from trimtab.precondition import Precondition

GENESIS = "0" * 64


def canonical_json(value: Mapping[str, Any]) -> str:
    """The same bytes for the same value: sorted keys, no spaces, no NaN. Raises ValueError on NaN and infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def entry_hash(
    model: str, seq: int, kind: str, subject: str, data: Mapping[str, Any], at: datetime, actor: str, prev: str
) -> str:
    """SHA-256 (hex) over the entry's content and the hash before it."""
    content = {
        "model": model,
        "seq": seq,
        "kind": kind,
        "subject": subject,
        "data": data,
        "at": _instant(at),
        "actor": actor,
    }
    return hashlib.sha256((prev + canonical_json(content)).encode()).hexdigest()


def next_entry(
    model: str,
    head: tuple[int, str] | None,
    kind: str,
    subject: str,
    data: Mapping[str, Any],
    at: datetime,
    actor: str,
) -> Entry:
    """The entry that follows ``head`` (sequence number and hash of the last one; None for an empty ledger)."""
    seq, prev = (head[0] + 1, head[1]) if head else (1, GENESIS)
    digest = entry_hash(model, seq, kind, subject, data, at, actor, prev)
    return Entry(model, seq, kind, subject, dict(data), at, actor, prev, digest)


def ensure_holds(given: Precondition, entries: Iterable[Entry]) -> None:
    """Raises DecisionOvertaken when one of the entries would have changed what was decided."""
    since = (entry for entry in entries if entry.seq > given.after and entry.kind.startswith(given.kinds))
    found = next((entry for entry in since if not (given.own and entry.subject.startswith(given.own))), None)
    if found:
        raise DecisionOvertaken(
            f"{found.kind} of {found.subject} (entry {found.seq}) was written while this was decided; decide again"
        )


def verify_chain(entries: Iterable[Entry]) -> str | None:
    """None when the chain is whole, else one sentence that names the first entry that is not."""
    seq, prev = 0, GENESIS
    for entry in entries:
        if entry.seq != seq + 1:
            return f"entry {seq + 1} is missing"
        if entry.prev != prev:
            return f"entry {entry.seq} does not follow entry {seq}"
        found = entry_hash(
            entry.model, entry.seq, entry.kind, entry.subject, entry.data, entry.at, entry.actor, entry.prev
        )
        if found != entry.hash:
            return f"entry {entry.seq} was altered"
        seq, prev = entry.seq, entry.hash
    return None
