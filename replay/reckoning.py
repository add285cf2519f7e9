"""What the alarms were worth: which windows had fallen, which rang, and how long that took."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from replay.alarms import kind_of, plain
from replay.cloud_time import CloudTime
from replay.player import Look, Played
from replay.worth import Worth
from trimtab.ledger.kinds import (
    ALARM_TOLD,
    CANDIDATE_JUDGED,
    PROMOTION_CLOSED,
    QUALITY_MEASURED,
    RETRAIN_DEFERRED,
    RETRAIN_GIVEN_UP,
    RETRAIN_REQUESTED,
    RETRAIN_SUPPRESSED,
    TRAINING_RELEASED,
)
from trimtab.ports import Entry
from trimtab.spec import Spec

ON_TRUTH = ("quality", "slice")
ON_REQUESTS = ("estimate", "drift", "prediction", "schema", "bias")
ON_BOTH = ("change", "forecast")
KINDS = (*ON_TRUTH, *ON_REQUESTS, *ON_BOTH)


@dataclass(frozen=True)
class Ringing:
    """One kind of alarm over the whole replay."""

    kind: str
    looks: int
    """Measurements at which it could have rung."""
    rang: int
    found: tuple[str, ...]
    """Windows that fell and at whose measurement it rang."""
    false: int
    """Measurements at which it rang and no window that was measured had fallen."""
    days: tuple[int, ...]
    """For each found window the days from the last request to the alarm."""
    windows: tuple[int, ...]
    """For each found window the later ones that had been measured by then."""


@dataclass(frozen=True)
class Training:
    """One retraining that was started."""

    day: date
    """Of the set."""
    why: str
    outcome: str
    against: str
    """What the champion gate said of it."""


@dataclass(frozen=True)
class Retrained:
    """What became of requests to retrain."""

    trainings: tuple[Training, ...]
    refused: int
    failed: int
    promoted: tuple[int, ...]
    """Versions, the first one left out."""
    rolled_back: int
    suppressed: int
    deferred: int
    told: int
    given_up: int


@dataclass(frozen=True)
class Reckoning:
    """Everything that is said of one replay."""

    fell: Mapping[str, float]
    """Windows in which the metric was worse than at evaluation by more than ``max_drop``, by how much."""
    ringing: tuple[Ringing, ...]
    went_off: Mapping[str, int]
    """How often each alarm went to ALARM, pages included."""
    retrained: Retrained
    worths: tuple[Worth, ...]
    notices: Mapping[str, int]
    """Notifications by what they begin with."""


@dataclass(frozen=True)
class Evidence:
    """What a replay leaves behind."""

    entries: Sequence[Entry]
    """All of the ledger."""
    played: Played
    worths: Sequence[Worth]
    went_off: Mapping[str, int]
    clock: CloudTime
    notices: Sequence[Mapping[str, Any]]
    """As SNS wrote them."""


def reckon(left: Evidence, spec: Spec) -> Reckoning:
    """The ledger, what was seen of the alarms, and what people were told, counted."""
    entries, played, worths = left.entries, left.played, left.worths
    asked = {worth.window: played.asked[worth.period][0] for worth in worths}
    every = fallen(entries, spec.monitoring.quality.max_drop)
    fell = {window: drop for window, drop in every.items() if window in asked}
    kinds = tuple(count(kind, played.looks, fell, asked) for kind in KINDS)
    told = Counter(map(_about, left.notices))
    return Reckoning(fell, kinds, left.went_off, retrained(entries, left.clock), tuple(worths), told)


def fallen(entries: Sequence[Entry], limit: float) -> dict[str, float]:
    """By the last measurement of each window, whatever chance had to do with it."""
    last = {entry.subject: entry.data for entry in entries if entry.kind == QUALITY_MEASURED}
    return {name: data["drop"] for name, data in last.items() if data["drop"] is not None and data["drop"] > limit}


def retrained(entries: Sequence[Entry], clock: CloudTime) -> Retrained:
    """Counted from the ledger; a version that a person asked for is not among them."""
    kinds = Counter(entry.kind for entry in entries)
    released = Counter(str(entry.data.get("outcome")) for entry in entries if entry.kind == TRAINING_RELEASED)
    closed = [entry.data for entry in entries if entry.kind == PROMOTION_CLOSED]
    promoted = [int(data["version"]) for data in closed if data["outcome"] == "Serving" and int(data["version"]) > 1]
    return Retrained(
        trainings=tuple(_trainings(entries, clock)),
        refused=released["Refused"],
        failed=released["Failed"],
        promoted=tuple(promoted),
        rolled_back=sum(data["outcome"] == "RolledBack" for data in closed),
        suppressed=kinds[RETRAIN_SUPPRESSED],
        deferred=kinds[RETRAIN_DEFERRED],
        told=kinds[ALARM_TOLD],
        given_up=kinds[RETRAIN_GIVEN_UP],
    )


def _trainings(entries: Sequence[Entry], clock: CloudTime) -> Iterator[Training]:
    """Each request that was granted, with the run that it led to."""
    judged = {entry.subject: entry.data["gates"] for entry in entries if entry.kind == CANDIDATE_JUDGED}
    released = [entry for entry in entries if entry.kind == TRAINING_RELEASED]
    for asked in (entry for entry in entries if entry.kind == RETRAIN_REQUESTED):
        run = next((entry for entry in released if entry.seq > asked.seq), None)
        gates = judged.get(run.subject, []) if run else []
        against = next((gate["message"] for gate in gates if gate["name"] == "champion"), "")
        outcome = str(run.data.get("outcome", "")) if run else "not ended"
        yield Training(clock.of_set(asked.at).date(), plain(str(asked.data["reason"])), outcome, against)


def count(kind: str, looks: Sequence[Look], fell: Collection[str], asked: Mapping[str, date]) -> Ringing:
    """How a kind of alarm did at every look at which it had a reading to go by.

    Windows that hold nothing of a delivery, but rows of a rollout's load or a few latecomers, are left out.
    """
    about = [(look, [name for name in _about_kind(kind, look) if name in asked]) for look in looks]
    counted = [(look, windows) for look, windows in about if windows]
    rang = [(look, windows) for look, windows in counted if kind in look.ringing]
    found = [(look, name) for look, windows in rang for name in windows if name in fell]
    return Ringing(
        kind,
        len(counted),
        len(rang),
        tuple(name for _, name in found),
        sum(not set(windows) & set(fell) for _, windows in rang),
        tuple((look.day - asked[name]).days for look, name in found),
        tuple(_later(look, name, looks, asked) for look, name in found),
    )


def _about_kind(kind: str, look: Look) -> tuple[str, ...]:
    """Windows whose readings an alarm of the kind had to go by at a look."""
    if kind in ON_TRUTH:
        return look.judged
    return look.measured if kind in ON_REQUESTS else (*look.measured, *look.judged)


def _later(look: Look, name: str, looks: Sequence[Look], asked: Mapping[str, date]) -> int:
    """Windows of later requests that had been measured by the time of the look."""
    seen = {window for each in looks if each.day <= look.day for window in each.measured}
    return sum(window in asked and asked[window] > asked[name] for window in seen)


def _about(notice: Mapping[str, Any]) -> str:
    """What a notification is about: an alarm's kind and state, or a subject of Trimtab's own without its numbers."""
    subject = str(notice.get("Subject") or "without a subject")
    state, quoted, rest = subject.partition(': "')
    if quoted:
        return f"{state} {kind_of(rest.partition(chr(34))[0])}"
    return " ".join("N" if any(map(str.isdigit, word)) else word for word in subject.split())
