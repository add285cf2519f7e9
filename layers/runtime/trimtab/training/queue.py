"""One training of a model at a time; who comes meanwhile is remembered, not lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trimtab.ledger.kinds import TRAINING_LEASED, TRAINING_RELEASED, TRAINING_RESUMED, TRAINING_WAITING
from trimtab.ledger.lookup import decided, latest
from trimtab.ports import Entry, Lease, Ledger
from trimtab.spec import TrainingSpec

LEASE = "training"
BESIDES_TRAINING = timedelta(hours=2)
"""Time that a run may take besides its training job: data, evaluation, retries, waiting for capacity."""
Request = Mapping[str, Any]
PERSON = "person"
"""Cause of a training that a person asked for; machines give alarm, data or truth."""


def take(ledger: Ledger, training: TrainingSpec, run: str, request: Request, at: datetime, actor: str) -> Lease | None:
    """The lease for ``run``, recorded once; None while another run holds it, and then the request waits."""
    ttl = timedelta(minutes=training.making_minutes) + BESIDES_TRAINING
    lease = ledger.lease(LEASE, run, at, ttl.total_seconds())
    if lease is None:
        _wait(ledger, run, request, at, actor)
        lease = ledger.lease(LEASE, run, at, ttl.total_seconds())  # it may have ended before the queue had us
    if lease and decided(ledger, TRAINING_LEASED, run) is None:
        data = {**request, "fence": lease.fence, "summary": f"run {run} started: {request['reason']}"}
        ledger.append(TRAINING_LEASED, run, data, at, actor)
    return lease


def take_again(
    ledger: Ledger, training: TrainingSpec, run: str, attempt: int, at: datetime, actor: str
) -> Lease | None:
    """The lease for another attempt of a run that had failed, recorded once; None while another run holds it."""
    ttl = timedelta(minutes=training.making_minutes) + BESIDES_TRAINING
    lease = ledger.lease(LEASE, run, at, ttl.total_seconds())
    name = attempt_name(run, attempt)
    if lease and decided(ledger, TRAINING_RESUMED, name) is None:
        data = {
            "run": run,
            "attempt": attempt,
            "fence": lease.fence,
            "summary": f"run {run} goes on, attempt {attempt}",
        }
        ledger.append(TRAINING_RESUMED, name, data, at, actor)
    return lease


def attempt_name(run: str, attempt: int) -> str:
    """The run's own name for its first attempt, another for each later one: what the ledger calls them."""
    return f"{run}-r{attempt}" if attempt else run


def job_name(run: str, attempt: int) -> str:
    """Name of an attempt's training job: as long as the run's, since SageMaker's names have no room for more."""
    mark = f"-r{attempt}"
    return run[: -len(mark)] + mark if attempt else run


def _wait(ledger: Ledger, run: str, request: Request, at: datetime, actor: str) -> None:
    if decided(ledger, TRAINING_WAITING, run) is None:
        held = ledger.lease_holder(LEASE)
        holder = held.holder if held else "another run"
        data = {**request, "holder": holder, "summary": f"training waits for {holder}: {request['reason']}"}
        ledger.append(TRAINING_WAITING, run, data, at, actor)


def asked_by_person(ledger: Ledger, run: str) -> bool:
    """Whether the run was asked for by a person, who may want the same data trained on again."""
    leased = decided(ledger, TRAINING_LEASED, run)
    return leased is not None and leased.get("cause") == PERSON


def give_back(
    ledger: Ledger,
    run: str,
    fence: int,
    outcome: str,
    reason: str,
    at: datetime,
    actor: str,
    attempt: int = 0,
    cost: Mapping[str, Any] | None = None,
) -> Request:
    """The run is over: the lease is free, and whoever waited is named as ``next``. A retry gives the same answer."""
    name = attempt_name(run, attempt)
    if found := decided(ledger, TRAINING_RELEASED, name):
        return found
    entries = ledger.entries("training.")
    released = ledger.release(LEASE, run, fence) if fence else False
    waiting = waiting_requests(entries, run)
    data = {
        "outcome": outcome,
        "reason": reason,
        "released": released,
        "next": next_request(waiting) if released else None,
        "cost": cost,
        "summary": f"run {run} ended {outcome}: {reason}"[:500],
    }
    ledger.append(TRAINING_RELEASED, name, data, at, actor)
    return data


@dataclass(frozen=True)
class Attempt:
    """A run's first go, or a later one after a redrive."""

    run: str
    number: int
    fence: int


def begun_by(ledger: Ledger, execution: str, before: datetime) -> Attempt | None:
    """The newest attempt that ``execution`` had begun ``before`` then; None when it never held the lease."""
    entries = ledger.entries("training.")
    run = next(
        (e for e in entries if e.kind == TRAINING_LEASED and execution and e.data.get("execution") == execution), None
    )
    if run is None:
        return None
    resumed = [e for e in entries if e.kind == TRAINING_RESUMED and e.data["run"] == run.subject and e.at < before]
    newest = resumed[-1] if resumed else run
    return Attempt(run.subject, int(newest.data.get("attempt", 0)), int(newest.data["fence"]))


def released_by(ledger: Ledger, attempt: Attempt) -> str | None:
    """Who wrote down how the attempt ended; None when nobody has."""
    entry = latest(ledger, TRAINING_RELEASED, attempt_name(attempt.run, attempt.number))
    return entry.actor if entry else None


def waiting_requests(entries: list[Entry], run: str) -> list[Entry]:
    """Requests that came while a run was on and that no release has passed on yet, without ``run``'s own."""
    passed_on = max((e.seq for e in entries if e.kind == TRAINING_RELEASED and e.data.get("released")), default=0)
    return [e for e in entries if e.kind == TRAINING_WAITING and e.seq > passed_on and e.subject != run]


def next_request(waiting: list[Entry]) -> dict[str, Any] | None:
    """One request for all that waited: the newest, since it sees the data of the others too.

    A person's comes before a machine's, which may be answered that there is nothing new.
    """
    if not waiting:
        return None
    chosen = next((e.data for e in reversed(waiting) if e.data.get("cause") == PERSON), waiting[-1].data)
    others = f" (and {len(waiting) - 1} more that waited)" if len(waiting) > 1 else ""
    return {
        "reason": f"{chosen['reason']}{others}"[:500],
        "cause": chosen.get("cause", ""),
        "requested_by": chosen.get("requested_by", ""),
    }
