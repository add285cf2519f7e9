"""A person lets a rollout go on that waits at a manual gate."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.ledger.kinds import RELEASE_REFUSED, ROLLOUT_HELD, ROLLOUT_RELEASED
from trimtab.ledger.lookup import decided
from trimtab.ports import Ledger
from trimtab.rollout.course import Course
from trimtab.rollout.queue import LEASE

"""Kind of the entry of a release that let nothing go on; its subject is the execution that was asked."""


@dataclass(frozen=True)
class Release:
    """Somebody's word that traffic may go on from ``step``."""

    step: int
    by: str
    reason: str
    request: str
    """Execution that was asked: CloudTrail's record of its start is the proof of who asked."""


def waiting_gate(course: Course) -> int | None:
    """Step of the gate that waits for a person; None when none does."""
    held = course.last(ROLLOUT_HELD, why="gate")
    if held is None or course.is_released(int(held.data["step"])) or course.reasons:
        return None
    return int(held.data["step"])


def released(ledger: Ledger, request: str, promotion: str) -> dict[str, Any] | None:
    """What a release came to, for whoever asked for it; None while nothing was decided."""
    if refused := decided(ledger, RELEASE_REFUSED, request):
        return {"outcome": "Refused", **refused}
    entry = Course.read(ledger, promotion).last(ROLLOUT_RELEASED, request=request)
    return {"outcome": "Released", **entry.data} if entry else None


def release(ledger: Ledger, asked: Release, at: datetime, actor: str) -> dict[str, Any]:
    """The rollout goes on at its next look, or the ledger says why not; the same to every retry of one execution."""
    held = ledger.lease_holder(LEASE)
    promotion = held.holder if held else ""
    if found := released(ledger, asked.request, promotion):
        return found
    waits = waiting_gate(Course.read(ledger, promotion)) if promotion else None
    told = {"step": asked.step, "by": asked.by, "reason": asked.reason, "request": asked.request}
    if waits is None or waits != asked.step:
        why = "no gate waits" if waits is None else f"the gate of step {waits} waits, and not that of step {asked.step}"
        ledger.append(RELEASE_REFUSED, asked.request, told | {"summary": f"nothing was released: {why}"}, at, actor)
        return {"outcome": "Refused", **told, "summary": f"nothing was released: {why}"}
    summary = f"step {asked.step} released by {asked.by}: {asked.reason}"[:1000]
    ledger.append(ROLLOUT_RELEASED, promotion, told | {"summary": summary}, at, actor)
    return {"outcome": "Released", **told, "summary": summary}
