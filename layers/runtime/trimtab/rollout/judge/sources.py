"""Where evidence comes from. Adapters in trimtab.aws keep these promises, and so do the fakes of the tests."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trimtab.rollout.judge.evidence import Fleet, Score


@dataclass(frozen=True)
class Series:
    """A statistic of a CloudWatch metric, minute by minute."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    """Sum, Average, SampleCount, p95 and the like."""


class Measurements(Protocol):
    """CloudWatch's metrics."""

    def series(self, wanted: Sequence[Series], start: datetime, end: datetime) -> list[dict[datetime, float]]:
        """For each of ``wanted`` its values by minute (UTC); minutes without data are absent.

        Raises EvidenceUnreadable.
        """
        ...


@dataclass(frozen=True)
class CapturedAnswer:
    """What one captured request was answered; of a request with many records, its first."""

    time: datetime
    request: str
    """Id of the captured event."""
    record: str
    """Id of the record, as the contract's id column says it."""
    version: int | None
    """What the answer names; None when it names none."""
    score: float
    synthetic: bool = False


class Captures(Protocol):
    """Captured traffic of the judged endpoint."""

    def answers(self, fleet: Fleet, since: datetime) -> Iterable[CapturedAnswer]:
        """Answers of the endpoint's variant since a moment, oldest file first; bounded, so it may be a sample.

        Raises EvidenceUnreadable.
        """
        ...


class Truths(Protocol):
    """Late truth of the judged model."""

    def losses(self, since: datetime) -> Mapping[int, tuple[Score, ...]]:
        """How wrong each version's answers since then were, as far as truth has come; in order of time.

        Raises EvidenceUnreadable.
        """
        ...


class Requests(Protocol):
    """Requests to an endpoint that are no traffic."""

    def ask(self, endpoint: str, body: bytes, inference_id: str) -> bool:
        """Whether it was answered with 200 in time; once, and no error is raised for any answer."""
        ...


@dataclass(frozen=True)
class Subject:
    """A rollout that is judged."""

    model: str
    since: datetime
    until: datetime
    """Later than anything that can have been measured."""
    new: Fleet
    new_version: int
    old: Fleet | None = None
    old_version: int = 0
    new_expected: tuple[float, ...] = ()
    """Scores of the version's golden records, which are spread evenly over those of its hold-out."""
    old_expected: tuple[float, ...] = ()


@dataclass(frozen=True)
class Sources:
    """All sources of evidence."""

    measurements: Measurements
    captures: Captures | None = None
    """None when traffic is not captured."""
    truths: Truths | None = None
    requests: Requests | None = None
    """None when production is not to be asked."""
