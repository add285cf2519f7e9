"""The state that a window of data points gives an alarm.

Source: "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data" of the CloudWatch guide.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from localcloud.cloudwatch import anomaly
from localcloud.cloudwatch.metrics import Vector

OK: Final = "OK"
ALARM: Final = "ALARM"
INSUFFICIENT_DATA: Final = "INSUFFICIENT_DATA"
TREATMENTS: Final = ("missing", "ignore", "breaching", "notBreaching")
COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
    **anomaly.COMPARISONS,
}
_EXTRA_POINTS: Final = 2
_MINUTES_LOOKED_AT: Final = 6
_MINUTE: Final = 60
_LOOKS_A_PERIOD: Final = 12


@dataclass(frozen=True)
class Rule:
    """M of N data points on the wrong side of the threshold, and what a missing one counts as."""

    comparison: str
    threshold: float
    periods: int
    points_to_alarm: int
    missing: str

    def is_breaching(self, value: float) -> bool:
        """Whether one data point violates the threshold."""
        return COMPARISONS[self.comparison](value, self.threshold)


@dataclass(frozen=True)
class Outcome:
    """The state (None: the present one is kept), the positions of the points it rests on, and how many were filled."""

    state: str | None
    evaluated: tuple[int, ...]
    filled: int


def span(period: int, periods: int) -> int:
    """How many intervals are looked at, for when data are missing: the evaluation range.

    AWS does not publish it. Its tables show two more than the evaluation periods for five minutes each; measurements
    that others have published show six minutes for periods of one minute.
    """
    return max(periods + _EXTRA_POINTS, _MINUTES_LOOKED_AT if period == _MINUTE else 0)


def edges(now: float, period: int, periods: int) -> list[float]:
    """The edges of the intervals that are evaluated at `now`, oldest first.

    Minutes (or shorter periods) count when they are complete; longer periods end at the last complete minute, so that
    their window slides by minutes.
    """
    step = min(period, _MINUTE)
    end = math.floor(now / step) * step
    return [float(end - period * left) for left in range(span(period, periods), -1, -1)]


def moments(after: float, until: float, period: int, periods: int, latest: float) -> list[float]:
    """When the outcome may have changed between two evaluations, of which `until` is the second, without its end.

    A window changes with each minute (or shorter period) until the `latest` data have left it; of long windows, a part
    of the minutes is looked at, so that a jump of the clock stays cheap.
    """
    step = max(min(period, _MINUTE), math.ceil(period / _LOOKS_A_PERIOD / _MINUTE) * _MINUTE if period > _MINUTE else 0)
    last = min(until, latest + period * (span(period, periods) + 1))
    first = (math.floor(after / step) + 1) * step
    return [float(moment) for moment in range(first, math.ceil(last), step)]


def decide(values: Vector, rule: Rule) -> Outcome:
    """The outcome for the evaluation range `values`, oldest first, None for missing data points."""
    present = [index for index, value in enumerate(values) if value is not None]
    if not present:
        return _without_data(rule)
    evaluated = tuple(present[-rule.periods :])
    filled = rule.periods - len(evaluated)
    breaching = [index for index in evaluated if rule.is_breaching(_known(values[index]))]
    bad = len(breaching) + (filled if rule.missing == "breaching" else 0)
    if bad >= rule.points_to_alarm:
        return Outcome(ALARM, evaluated, filled)
    if filled == 0 or rule.missing in ("breaching", "notBreaching") or len(breaching) < len(evaluated):
        return Outcome(OK, evaluated, filled)
    return Outcome(_when_all_known_points_breach(values, evaluated, rule), evaluated, filled)


def _without_data(rule: Rule) -> Outcome:
    states = {"missing": INSUFFICIENT_DATA, "ignore": None, "breaching": ALARM, "notBreaching": OK}
    return Outcome(states[rule.missing], (), rule.periods)


def _when_all_known_points_breach(values: Vector, evaluated: tuple[int, ...], rule: Rule) -> str | None:
    """ALARM once the oldest of them is as old as the points to alarm: not at the first point of intermittent data."""
    if rule.missing == "ignore":
        return None
    age = len(values) - evaluated[0]
    return ALARM if age >= rule.points_to_alarm else OK


def _known(value: float | None) -> float:
    assert value is not None
    return value
