"""What both versions of a rollout did, minute by minute, for people to see: as CloudWatch has it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from trimtab.contracts import Plan
from trimtab.errors import EvidenceUnreadable
from trimtab.rollout.judge.collect import BEFORE, collect
from trimtab.rollout.judge.evidence import FleetEvidence, Latency
from trimtab.rollout.judge.minutes import pooled
from trimtab.rollout.judge.sources import Measurements, Sources, Subject
from trimtab.rollout.looking import Fleets, fleets
from trimtab.spec.rollout import RolloutSpec

_EARLIER = timedelta(minutes=15)
"""How long before the plan a chart begins."""


@dataclass(frozen=True)
class Did:
    """What one version did in a stretch of time."""

    requests: int
    errors: int
    latency_ms: float | None
    """The typical one; None without a request."""

    @property
    def error_share(self) -> float | None:
        """None without a request."""
        return self.errors / self.requests if self.requests else None


@dataclass(frozen=True)
class Minute:
    """What the new and the old version did from ``at`` on."""

    at: datetime
    new: Did
    old: Did


def minutes_of(plan: Plan, measurements: Measurements, until: datetime) -> list[Minute]:
    """Every minute with a request, from a little before the plan to ``until``.

    Raises EvidenceUnreadable when CloudWatch does not answer. A first version has no old one, and no minutes.
    """
    seen = [_numbers(both, plan, measurements, until) for both in _fleets(plan)]
    new, old = [each[0] for each in seen], [each[1] for each in seen]
    known = {minute for fleet in (*new, *old) for minute in fleet.requests}
    return [Minute(at, _did(new, at), _did(old, at)) for at in sorted(known) if at >= plan.started - _EARLIER]


def _fleets(plan: Plan) -> Iterable[Fleets]:
    """Wherever both versions run: in a shadow's config, in that of the steps, and each in its own."""
    found = [fleets(plan, config) for config in (plan.shadow_config, plan.step_config, plan.config) if config]
    return [both for both in found if both is not None]


def _numbers(
    both: Fleets, plan: Plan, measurements: Measurements, until: datetime
) -> tuple[FleetEvidence, FleetEvidence]:
    since = plan.started - _EARLIER + BEFORE
    subject = Subject(model="", since=since, until=max(until, since), new=both[0], new_version=0, old=both[1])
    found = collect(subject, RolloutSpec(), Sources(measurements))
    if found.unread:
        raise EvidenceUnreadable("; ".join(found.unread.values()))
    return found.new, found.old or FleetEvidence()


def _did(parts: list[FleetEvidence], at: datetime) -> Did:
    """A minute of a version, whichever configs it ran in."""
    latencies = [part.latency[at] for part in parts if at in part.latency]
    return Did(
        requests=round(sum(part.requests.get(at, 0.0) for part in parts)),
        errors=round(sum(part.errors.get(at, 0.0) for part in parts)),
        latency_ms=_typical(latencies),
    )


def together(minutes: Iterable[Did]) -> Did:
    """Several minutes as one; the latency is the middle one of theirs."""
    listed = list(minutes)
    known = sorted(did.latency_ms for did in listed if did.latency_ms is not None)
    middle = known[len(known) // 2] if known else None
    return Did(sum(did.requests for did in listed), sum(did.errors for did in listed), middle)


def _typical(latencies: list[Latency]) -> float | None:
    return pooled(latencies).typical_ms if latencies else None
