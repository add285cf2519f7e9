"""What served at a point in time, and the entries of the ledger that prove it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from trimtab.ledger import verify_chain
from trimtab.ledger.kinds import (
    PROMOTION_CLOSED,
    RECONCILED,
    ROLLBACK_DONE,
    ROLLBACK_FAILED,
    ROLLBACK_REQUESTED,
    ROLLOUT_PLANNED,
    ROLLOUT_ROLLED_BACK,
    ROLLOUT_SERVING,
    ROLLOUT_SHIFTED,
)
from trimtab.ports import Entry
from trimtab.rollout.reigns import Reign, reigns

_ENDS = (ROLLOUT_SERVING, ROLLOUT_ROLLED_BACK, PROMOTION_CLOSED, ROLLBACK_DONE, ROLLBACK_FAILED)


@dataclass(frozen=True)
class Share:
    """One version's part of production."""

    version: int
    config: str
    percent: float | None
    """Of the requests; None where traffic was moving and no shift had been recorded."""


@dataclass(frozen=True)
class ServedAt:
    """The answer for one point in time."""

    at: datetime
    state: Literal["nothing", "serving", "moving"]
    versions: tuple[Share, ...]
    since: datetime | None
    message: str
    evidence: tuple[Entry, ...]
    doubts: tuple[str, ...]
    """Disagreements that the reconciler had found by then and that were not settled."""
    chain: str | None
    """What is wrong with the whole ledger's chain of hashes; None when nothing is."""


def served_at(entries: Sequence[Entry], at: datetime) -> ServedAt:
    """For every time there is an answer, also before the first version."""
    known = [entry for entry in entries if entry.at <= at]
    history = reigns(known)
    reign, moving = (history[-1] if history else None), _moving(known)
    doubts, chain = _doubts(known), verify_chain(entries)
    if moving is not None:
        return _while_moving(at, known, reign, moving, doubts, chain)
    gone = _gone(known, reign)
    if reign is None or gone is not None:
        message = "nothing: the endpoint did not exist any more" if gone else "nothing: no version served yet"
        evidence = (gone,) if gone else ()
        return ServedAt(at, "nothing", (), gone.at if gone else None, message, evidence, doubts, chain)
    share = Share(reign.version, reign.config, 100.0)
    message = f"version {reign.version}, by the endpoint config {reign.config}"
    return ServedAt(at, "serving", (share,), reign.began.at, message, (reign.began,), doubts, chain)


def _moving(known: Sequence[Entry]) -> Entry | None:
    """What had begun to move traffic and had not ended."""
    found: Entry | None = None
    for entry in known:
        begun = entry.kind == ROLLOUT_PLANNED or (
            entry.kind == ROLLBACK_REQUESTED and entry.data.get("outcome") == "Begun"
        )
        if begun:
            found = entry
        elif found is not None and entry.kind in _ENDS and entry.subject == found.subject:
            found = None
    return found


def _while_moving(
    at: datetime, known: Sequence[Entry], reign: Reign | None, moving: Entry, doubts: tuple[str, ...], chain: str | None
) -> ServedAt:
    shift = _last_shift(known, moving)
    percent = float(shift.data["percent"]) if shift else None
    new = Share(_version(known, moving), str(moving.data["config"]), percent)
    old = Share(reign.version, reign.config, None if percent is None else 100 - percent) if reign else None
    shares = tuple(share for share in (old, new) if share is not None)
    evidence = tuple(entry for entry in (reign.began if reign else None, moving, shift) if entry is not None)
    return ServedAt(at, "moving", shares, moving.at, _in_words(old, new), evidence, doubts, chain)


def _in_words(old: Share | None, new: Share) -> str:
    if old is None:
        return f"version {new.version} was being put into service; nothing served before it"
    if new.percent is None:
        return f"traffic was to move from version {old.version} to {new.version}; no shift had been recorded yet"
    return f"version {old.version} answered {old.percent:g} % and version {new.version} {new.percent:g} %"


def _last_shift(known: Sequence[Entry], moving: Entry) -> Entry | None:
    shifts = [entry for entry in known if entry.kind == ROLLOUT_SHIFTED and entry.subject == moving.subject]
    return shifts[-1] if shifts else None


def _version(known: Sequence[Entry], moving: Entry) -> int:
    """A plan names its config only; the approval of the same promotion names the version."""
    if "to_version" in moving.data:
        return int(moving.data["to_version"])
    checked = (entry.data for entry in known if entry.subject == moving.subject and "version" in entry.data)
    return int(next(checked, {"version": 0})["version"])


def _gone(known: Sequence[Entry], reign: Reign | None) -> Entry | None:
    """The entry that says that the endpoint was gone, unless something has served since."""
    found: Entry | None = None
    for entry in known:
        if entry.kind == ROLLOUT_ROLLED_BACK:
            found = entry if entry.data.get("live_config") is None else None
        elif entry.kind == RECONCILED:
            found = entry if "endpoint-gone" in _names(entry.data) else None
        elif reign is not None and entry.seq == reign.began.seq:
            found = None
    return found


def _doubts(known: Sequence[Entry]) -> tuple[str, ...]:
    last = next((entry for entry in reversed(known) if entry.kind == RECONCILED), None)
    return tuple(str(each["what"]) for each in last.data["found"]) if last else ()


def _names(data: Mapping[str, Any]) -> set[str]:
    return {str(each["name"]) for each in data["found"]}
