"""What served at a point in time, and the entries of the ledger that prove it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from trimtab.ledger import verify_chain
from trimtab.ledger.kinds import (
    ENDPOINT_SLEPT,
    ENDPOINT_WOKEN,
    PROMOTION_CLOSED,
    RECONCILED,
    ROLLBACK_DONE,
    ROLLBACK_FAILED,
    ROLLBACK_REQUESTED,
    ROLLOUT_GOING_BACK,
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
        message = _why_nothing(gone)
        evidence = (gone,) if gone else ()
        return ServedAt(at, "nothing", (), gone.at if gone else None, message, evidence, doubts, chain)
    share = Share(reign.version, reign.config, 100.0)
    message = f"version {reign.version}, by the endpoint config {reign.config}"
    return ServedAt(at, "serving", (share,), reign.began.at, message, (reign.began,), doubts, chain)


def _why_nothing(gone: Entry | None) -> str:
    if gone is None:
        return "nothing: no version served yet"
    if gone.kind == ENDPOINT_SLEPT:
        return f"nothing: the endpoint slept since {gone.at:%Y-%m-%d %H:%M} UTC"
    return "nothing: the endpoint did not exist any more"


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
    stopped = _stopped(known, moving)
    onward, back = stopped or moving, _going_back(known, moving, stopped)
    shift = _last_shift(known, onward)
    percent = float(shift.data["percent"]) if shift and back is None else None
    new = Share(_version(known, onward), str(onward.data["config"]), percent)
    old = Share(reign.version, reign.config, None if percent is None else 100 - percent) if reign else None
    shares = tuple(share for share in (old, new) if share is not None)
    evidence = tuple(entry for entry in (reign.began if reign else None, onward, shift, back) if entry is not None)
    words = _words_back(old, new, shift, back) if back else _in_words(old, new)
    return ServedAt(at, "moving", shares, moving.at, words, evidence, doubts, chain)


def _stopped(known: Sequence[Entry], moving: Entry) -> Entry | None:
    """The rollout that a rollback found under way: what moves until it is back is that rollout's traffic."""
    if moving.kind == ROLLOUT_PLANNED:
        return None
    found = _moving([entry for entry in known if entry.seq < moving.seq])
    ended = {entry.subject for entry in known if entry.seq > moving.seq and entry.kind in _ENDS}
    return None if found is None or found.subject in ended else found


def _going_back(known: Sequence[Entry], moving: Entry, stopped: Entry | None) -> Entry | None:
    """What sent traffic back to the version before; from then on no share is known until it has arrived."""
    if stopped is not None:
        return moving
    back = [entry for entry in known if entry.kind == ROLLOUT_GOING_BACK and entry.subject == moving.subject]
    return back[-1] if back else None


def _words_back(old: Share | None, new: Share, shift: Entry | None, back: Entry) -> str:
    most = f"at most {shift.data['percent']:g} %" if shift else "an unrecorded part"
    version = back.data.get("to_version") or (old.version if old else None)
    where = f"to version {version}" if version else "to nothing"
    return f"traffic was going back {where}; version {new.version} answered {most} of it"


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
    """The entry that says that the endpoint was gone or slept, unless something has served since."""
    found: Entry | None = None
    for entry in known:
        if entry.kind == ROLLOUT_ROLLED_BACK:
            found = entry if entry.data.get("live_config") is None else None
        elif entry.kind == RECONCILED:
            slept = found if found is not None and found.kind == ENDPOINT_SLEPT else None
            found = entry if "endpoint-gone" in _names(entry.data) else slept
        elif entry.kind in (ENDPOINT_SLEPT, ENDPOINT_WOKEN):
            found = entry if entry.kind == ENDPOINT_SLEPT else None
        elif reign is not None and entry.seq == reign.began.seq:
            found = None
    return found


def _doubts(known: Sequence[Entry]) -> tuple[str, ...]:
    last = next((entry for entry in reversed(known) if entry.kind == RECONCILED), None)
    return tuple(str(each["what"]) for each in last.data["found"]) if last else ()


def _names(data: Mapping[str, Any]) -> set[str]:
    return {str(each["name"]) for each in data["found"]}
