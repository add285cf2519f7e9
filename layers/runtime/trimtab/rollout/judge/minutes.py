"""Which minutes are judged, and what both fleets did in the same ones."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from trimtab.rollout.judge.evidence import Evidence, FleetEvidence, Latency, Minutes

MINUTE: Final = timedelta(minutes=1)
_CONFIDENCE: Final = 0.95


@dataclass(frozen=True)
class Span:
    """The minutes judged at a look: whole ones since the rollout began."""

    since: datetime
    until: datetime
    """End of the last whole minute."""

    @classmethod
    def of(cls, evidence: Evidence, now: datetime) -> "Span":
        """A minute is whole when ``now`` has passed it, or when a later one has requests.

        A look whose clock stands still (retries of a state carry the time of the first try) thus goes on.
        """
        fleets = [evidence.new, *([evidence.old] if evidence.old else [])]
        newest = max((minute for fleet in fleets for minute in fleet.requests), default=evidence.since)
        return cls(_floor(evidence.since), max(_floor(now), _floor(newest), _floor(evidence.since)))

    def within(self, minutes: Iterable[datetime]) -> list[datetime]:
        """Those of ``minutes`` that are judged, in order."""
        return sorted(minute for minute in minutes if self.since <= minute < self.until)

    @property
    def window(self) -> tuple[datetime, datetime] | None:
        """First and last moment; None before the first whole minute."""
        return (self.since, self.until) if self.until > self.since else None


def _floor(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


@dataclass(frozen=True)
class Counts:
    """Requests of a fleet, and how many of them failed."""

    requests: int
    errors: int

    @property
    def share(self) -> float:
        """Errors per request, 0 without requests."""
        return self.errors / self.requests if self.requests else 0.0


def counts(fleet: FleetEvidence, minutes: Sequence[datetime]) -> Counts:
    """Over ``minutes``. CloudWatch publishes both metrics apart, so errors may be ahead of their requests."""
    pairs = [in_minute(fleet, minute) for minute in minutes]
    return Counts(sum(requests for requests, _ in pairs), sum(errors for _, errors in pairs))


def in_minute(fleet: FleetEvidence, minute: datetime) -> tuple[int, int]:
    """Requests and errors of one minute."""
    errors = round(fleet.errors.get(minute, 0))
    return max(round(fleet.requests.get(minute, 0)), errors), errors


def shared(span: Span, new: FleetEvidence, old: FleetEvidence) -> list[datetime]:
    """Judged minutes in which both fleets were asked."""
    return [minute for minute in span.within(new.requests) if new.requests[minute] > 0 and old.requests.get(minute)]


def slowdown(new: Latency, old: Latency) -> float:
    """log of how many times slower: the Hodges-Lehmann shift of log latency (1963), from the percentiles of both.

    Above 0 exactly when a request to the new fleet is more likely than not the slower of two (Mann-Whitney).
    """
    pairs = ((a, b) for a in new.percentiles_ms for b in old.percentiles_ms)
    return median(math.log(max(a, 1e-6) / max(b, 1e-6)) for a, b in pairs)


def pooled(latencies: Sequence[Latency]) -> Latency:
    """One that stands for all: the median of each percentile."""
    ranks = zip(*(each.percentiles_ms for each in latencies), strict=True)
    return Latency(sum(each.requests for each in latencies), tuple(median(rank) for rank in ranks))


def middle(differences: Sequence[float]) -> tuple[float, tuple[float, float]]:
    """Median of a few numbers and its 95 per cent interval by order statistics; all of them when they are under six."""
    ordered = sorted(differences)
    inner = _inner(len(ordered))
    return median(ordered), (ordered[inner], ordered[-1 - inner])


def _inner(count: int) -> int:
    """How many may be cut off at either end: the largest k with P(Binomial(count, 1/2) < k) of at most 2.5 per cent."""
    tail, cut = 0.0, 0
    for below in range(count // 2):
        tail += math.comb(count, below) / 2**count
        if tail > (1 - _CONFIDENCE) / 2:
            break
        cut = below
    return cut


def paired(span: Span, new: Minutes, old: Minutes) -> list[tuple[float, float]]:
    """Values of the judged minutes that both have."""
    return [(new[minute], old[minute]) for minute in span.within(new) if minute in old]
