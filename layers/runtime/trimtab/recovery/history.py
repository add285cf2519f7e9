"""What the ledger knows of trainings: started, running, lost, paid for, waiting, given up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from trimtab.ledger.kinds import (
    ALARM_TOLD,
    DATASET_BUILT,
    DROP_ACCEPTED,
    RETRAIN_DEFERRED,
    RETRAIN_GIVEN_UP,
    RETRAIN_REQUESTED,
    RETRAIN_RESUMED,
    RETRAIN_SUPPRESSED,
    ROLLOUT_SERVING,
    TRAINING_LEASED,
    TRAINING_RELEASED,
    TRAINING_RESUMED,
)
from trimtab.ports import Entry

DECISIONS: Final = (RETRAIN_REQUESTED, RETRAIN_SUPPRESSED, RETRAIN_DEFERRED, ALARM_TOLD)
"""Kinds of entry one of which answers every alarm and every truth that comes."""
LOST: Final = ("Refused", "Failed")
PERSON: Final = "person"
TO_BEGIN = timedelta(hours=1)
"""A training that was asked for and has not begun after this will not."""


@dataclass(frozen=True)
class News:
    """What came since the newest dataset, of accepted files with labels, truth included."""

    files: int
    rows: int


@dataclass(frozen=True)
class History:
    """The facts that the policy rests on; ``entries`` are all of the model's, in order."""

    entries: Sequence[Entry]
    at: datetime
    longest: timedelta
    """A training that was leased and not released is taken for dead after this."""

    @cached_property
    def starts(self) -> list[datetime]:
        """When trainings were asked for by the policy."""
        return [entry.at for entry in self.entries if entry.kind == RETRAIN_REQUESTED]

    @cached_property
    def running(self) -> str | None:
        """The run that holds others up, in words: begun and not ended, or asked for and about to begin."""
        return running(self.entries, self.at, self.longest) or asked_for(self.entries, self.at)

    @cached_property
    def news(self) -> News:
        """What there is to learn from that no dataset holds."""
        return news_since_dataset(self.entries)

    @cached_property
    def losses(self) -> int:
        """Runs that machines asked for and that ended without a candidate, since the last promotion or resumption."""
        return losses(self.entries)

    @cached_property
    def given_up(self) -> Entry | None:
        """The entry that says so, unless a person has resumed or a version was promoted since."""
        found = None
        for entry in self.entries:
            if entry.kind == RETRAIN_GIVEN_UP:
                found = entry
            elif entry.kind in (RETRAIN_RESUMED, ROLLOUT_SERVING):
                found = None
        return found

    @cached_property
    def pending(self) -> dict[str, list[Entry]]:
        """Requests that are kept, by what asks: the name of an alarm, ``truth`` or ``schedule``."""
        return pending(self.entries)

    def spent(self, window: timedelta, unknown: float) -> float:
        """USD that runs have cost which ended in the last ``window``; of one whose cost nobody knows, ``unknown``."""
        ended = [
            entry.data for entry in self.entries if entry.kind == TRAINING_RELEASED and entry.at > self.at - window
        ]
        costs = (_cost(data) for data in ended)
        return sum(unknown if cost is None else cost for cost in costs)

    @cached_property
    def last_cost(self) -> float | None:
        """USD of the newest run whose cost is known."""
        known = [
            cost
            for entry in self.entries
            if entry.kind == TRAINING_RELEASED and (cost := _cost(entry.data)) is not None
        ]
        return known[-1] if known else None


def running(entries: Sequence[Entry], at: datetime, longest: timedelta) -> str | None:
    """The run that was leased and not released, unless it is older than a training can be."""
    open_runs: dict[str, datetime] = {}
    for entry in entries:
        if entry.kind in (TRAINING_LEASED, TRAINING_RESUMED):
            open_runs[entry.subject] = entry.at
        elif entry.kind == TRAINING_RELEASED:
            open_runs.pop(entry.subject, None)
    alive = [run for run, since in open_runs.items() if at - since < longest]
    return alive[-1] if alive else None


def asked_for(entries: Sequence[Entry], at: datetime) -> str | None:
    """The newest request while no run has begun since: its event is on its way."""
    asked = next((entry for entry in reversed(entries) if entry.kind in (RETRAIN_REQUESTED, TRAINING_LEASED)), None)
    if asked is None or asked.kind == TRAINING_LEASED or at - asked.at >= TO_BEGIN:
        return None
    return f"the training that was asked for at {asked.at:%Y-%m-%d %H:%M}"


def news_since_dataset(entries: Sequence[Entry]) -> News:
    """Accepted files with labels, truth included, and their rows since the newest dataset was built."""
    built = max((entry.seq for entry in entries if entry.kind == DATASET_BUILT), default=0)
    accepted = [entry.data for entry in entries if entry.kind == DROP_ACCEPTED and entry.seq > built]
    labelled = [data for data in accepted if data.get("labelled") or data.get("kind") == "truth"]
    return News(len(labelled), sum(int(data.get("rows") or 0) for data in labelled))


def losses(entries: Iterable[Entry]) -> int:
    """Runs in a row that were refused or failed. A run that was redriven counts by its last outcome.

    A run that a person asked for is that person's matter, and one without enough data says nothing of the model.
    """
    asked_by_people: set[str] = set()
    outcome: dict[str, str] = {}
    for entry in entries:
        if entry.kind in (ROLLOUT_SERVING, RETRAIN_RESUMED):
            outcome.clear()
        elif entry.kind == TRAINING_LEASED and entry.data.get("cause") == PERSON:
            asked_by_people.add(entry.subject)
        elif entry.kind == TRAINING_RESUMED:
            outcome.pop(str(entry.data["run"]), None)
        elif entry.kind == TRAINING_RELEASED and entry.subject not in asked_by_people:
            outcome[entry.subject] = str(entry.data.get("outcome", ""))
    return sum(each in LOST for each in outcome.values())


def pending(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Deferred requests that no later entry settles, by their key."""
    waiting: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.kind == RETRAIN_DEFERRED:
            waiting.setdefault(str(entry.data["key"]), []).append(entry)
        elif entry.kind in (RETRAIN_REQUESTED, RETRAIN_SUPPRESSED):
            for key in entry.data.get("settles", ()):
                waiting.pop(key, None)
    return waiting


def _cost(data: Mapping[str, Any]) -> float | None:
    found = (data.get("cost") or {}).get("usd")
    return None if found is None else float(found)
