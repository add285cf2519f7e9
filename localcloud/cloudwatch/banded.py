"""What an alarm on anomalies compares: its values, and the band that was learned from the weeks before them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from localcloud.cloudwatch import anomaly
from localcloud.cloudwatch.alarms import Alarm, Query, period_of
from localcloud.cloudwatch.anomaly import Model
from localcloud.cloudwatch.decision import Rule
from localcloud.cloudwatch.metrics import MetricStore, Vector
from localcloud.cloudwatch.vectors import returned

_LEARNED_EVERY: Final = 3600
_SIDES: Final = {
    "GreaterThanUpperThreshold": "greater than the upper thresholds [{upper}]",
    "LessThanLowerThreshold": "less than the lower thresholds [{lower}]",
    "LessThanLowerOrGreaterThanUpperThreshold": (
        "less than the lower thresholds [{lower}] or{negated} greater than the upper thresholds [{upper}]"
    ),
}


@dataclass(frozen=True)
class Banded:
    """Values with their limits, and how far they lie beyond them; the grid says when each begins."""

    grid: Sequence[float]
    values: Vector
    limits: Sequence[tuple[float, float]]
    beyond: Vector

    def points(self, positions: Sequence[int]) -> list[tuple[float, float]]:
        """Time and value at the positions."""
        return [(self.grid[index], value) for index in positions if (value := self.values[index]) is not None]

    def thresholds(self, positions: Sequence[int]) -> dict[str, Any]:
        """The limits at the positions, as reason data carry them."""
        return {
            "recentLowerThresholds": [self.limits[index][0] for index in positions],
            "recentUpperThresholds": [self.limits[index][1] for index in positions],
        }

    def reason(self, rule: Rule, positions: Sequence[int], rings: bool) -> str:
        """Why the alarm has its state, in CloudWatch's words."""
        negated = "" if rings else " not"
        points = self.points(positions)
        if not points:
            return f"Thresholds Crossed: no datapoints were received for {rule.periods} periods."
        shown = ", ".join(f"{value} ({datetime.fromtimestamp(at, UTC):%d/%m/%y %H:%M:%S})" for at, value in points)
        lower = ", ".join(str(self.limits[index][0]) for index in positions)
        upper = ", ".join(str(self.limits[index][1]) for index in positions)
        told = _SIDES[rule.comparison].format(lower=lower, upper=upper, negated=negated)
        counted = f"{len(points)} out of the last {rule.periods} datapoints [{shown}]"
        return f"Thresholds Crossed: {counted} {'was' if len(points) == 1 else 'were'}{negated} {told}."


def banded(alarm: Alarm, store: MetricStore, grid: Sequence[float], values: Vector) -> Banded | None:
    """The values with their band; None while there is none, because too little is known."""
    band = alarm.band
    assert band is not None
    model = _model(alarm, store, grid[0])
    if model is None:
        return None
    limits = [model.limits(start, band.width) for start in grid[:-1]]
    beyond = [
        None if value is None else anomaly.beyond(value, limit) for value, limit in zip(values, limits, strict=True)
    ]
    return Banded(grid, values, limits, beyond)


def _model(alarm: Alarm, store: MetricStore, until: float) -> Model | None:
    """Learned from what was before the range that is evaluated, at most once an hour."""
    if alarm.learned is None or not 0 <= until - alarm.learned[0] < _LEARNED_EVERY:
        alarm.learned = (until, anomaly.learn(_history(alarm.queries, store, until)))
    return alarm.learned[1]


def _history(queries: tuple[Query, ...], store: MetricStore, until: float) -> list[tuple[float, float]]:
    first = [at for query in queries if query.metric is not None if (at := store.earliest(query.metric)) is not None]
    if not first:
        return []
    period = period_of(queries)
    count = math.floor((until - max(min(first), until - anomaly.LEARNED_SECONDS)) / period)
    grid = [until - period * left for left in range(count, -1, -1)]
    return [
        (start, value) for start, value in zip(grid, returned(queries, store, grid), strict=False) if value is not None
    ]
