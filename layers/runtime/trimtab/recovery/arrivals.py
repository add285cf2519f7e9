"""Drops of data that should have come and did not."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from trimtab.contracts import DropKind, Period
from trimtab.ledger.kinds import DROP_ACCEPTED
from trimtab.ports import Entry, MetricsSink
from trimtab.spec.data import DataSpec
from trimtab.telemetry import Metric

LATE = 0.25
"""A drop is not missing before this share of the time between two drops has passed beyond it."""


@dataclass(frozen=True)
class Arrivals:
    """The drops of a model that were accepted among ``entries``, seen at a time."""

    entries: Sequence[Entry]
    at: datetime

    def tell(self, data: DataSpec, metrics: MetricsSink) -> None:
        """The metric says how many are missing, of a model whose spec says how often they come."""
        if data.expected_every_days is not None:
            metrics.put(Metric.DROPS_MISSING, self.missing(timedelta(days=data.expected_every_days)))

    def missing(self, every: timedelta) -> int:
        """Drops of data that are overdue by now, and those that the newest one shows were left out before it.

        0 before the first drop: nobody knows when the deliveries begin. A month that never comes is told until the
        drop after the next one has come.
        """
        accepted = (entry for entry in self.entries if entry.kind == DROP_ACCEPTED)
        drops = [entry for entry in accepted if entry.data.get("kind") == DropKind.DATA.value]
        if not drops:
            return 0
        return self._overdue(_newest(drops).at, every) + self._left_out(drops, every)

    def _overdue(self, newest: datetime, every: timedelta) -> int:
        return max(0, math.floor((self.at - newest) / every - LATE))

    def _left_out(self, drops: Sequence[Entry], every: timedelta) -> int:
        """Whole drops that fit into the gap in event time just before the newest rows."""
        periods = sorted(_periods(drops), key=lambda period: period.end)
        gaps = [max(timedelta(0), after.start - before.end) for before, after in pairwise(periods)]
        return math.floor(gaps[-1] / every + LATE) if gaps else 0


def _newest(drops: Sequence[Entry]) -> Entry:
    """The drop that brought the newest rows; one that corrects earlier ones is none of those that are waited for."""
    newest, end = drops[0], None
    for drop in drops:
        period = next(_periods([drop]), None)
        if period is None or end is None or period.end > end:
            newest, end = drop, period.end if period else end
    return newest


def _periods(drops: Sequence[Entry]) -> Iterator[Period]:
    for entry in drops:
        if period := entry.data.get("period"):
            yield Period.model_validate(period)
