"""One evaluation of one alarm: its data points, the state they give it, and the reason in CloudWatch's words."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from localcloud.cloudwatch import composite
from localcloud.cloudwatch.alarms import Alarm, period_of
from localcloud.cloudwatch.banded import Banded, banded
from localcloud.cloudwatch.decision import ALARM, INSUFFICIENT_DATA, OK, Outcome, Rule, decide, edges, moments, span
from localcloud.cloudwatch.metrics import MetricStore
from localcloud.cloudwatch.vectors import returned
from localcloud.timestamps import iso_milliseconds

_OPERATORS: Final = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


@dataclass(frozen=True)
class Finding:
    """The state an alarm should have, and why."""

    value: str
    reason: str
    data: dict[str, Any]


def inputs(alarm: Alarm, store: MetricStore, now: float) -> tuple[Any, ...]:
    """What an evaluation depends on: while it is unchanged, so is the outcome."""
    sizes = tuple(store.size(query.metric) for query in alarm.queries if query.metric is not None)
    return (_edges(alarm, now)[-1], sizes)


def turning_points(alarm: Alarm, store: MetricStore, after: float, until: float) -> list[float]:
    """When, between two evaluations, the alarm may have changed its state.

    Where the clock has jumped and no data lie, nothing changes: months without data cost nothing.
    """
    rule, period = _rule_of(alarm), period_of(alarm.queries)
    begin, reach = max(after, alarm.configured), period * (span(period, rule.periods) + 1)
    metrics = {query.metric for query in alarm.queries if query.metric is not None}
    times = sorted({time for metric in metrics for time in store.times(metric, begin - reach, until)})
    found: set[float] = set()
    for first, last in stretches(times, reach):
        found.update(moments(max(begin, first - period), until, period, rule.periods, last))
    return sorted(found)


def stretches(times: Sequence[float], reach: float) -> Iterator[tuple[float, float]]:
    """First and last of the sorted times that lie no further apart than ``reach``, stretch by stretch."""
    for place, time in enumerate(times):
        if place == 0 or time - times[place - 1] > reach:
            first = time
        if place == len(times) - 1 or times[place + 1] - time > reach:
            yield first, time


def evaluate(alarm: Alarm, store: MetricStore, now: float) -> Finding | None:
    """The finding for a metric alarm; None when its state is to be kept."""
    rule = _rule_of(alarm)
    grid = _edges(alarm, now)
    values = returned(alarm.queries, store, grid)
    if alarm.band is not None:
        return _evaluate_banded(alarm, banded(alarm, store, grid, values), now)
    outcome = decide(values, rule)
    if outcome.state is None:
        return None
    points = [(grid[index], value) for index in outcome.evaluated if (value := values[index]) is not None]
    reason = _reason(alarm, rule, outcome, points)
    return Finding(outcome.state, reason, _reason_data(alarm, rule, points, now))


def _evaluate_banded(alarm: Alarm, found: Banded | None, now: float) -> Finding | None:
    """Compared is how far each value lies beyond its band. Without a band an alarm has insufficient data."""
    rule = _rule_of(alarm)
    if found is None:
        return Finding(INSUFFICIENT_DATA, "Insufficient Data: the anomaly detection model is not trained yet.", {})
    outcome = decide(found.beyond, rule)
    if outcome.state is None:
        return None
    breaching = [index for index in outcome.evaluated if rule.is_breaching(found.beyond[index] or 0.0)]
    shown = (breaching if outcome.state == ALARM else outcome.evaluated) or outcome.evaluated
    data = _reason_data(alarm, rule, found.points(outcome.evaluated), now) | found.thresholds(outcome.evaluated)
    del data["threshold"]
    return Finding(outcome.state, found.reason(rule, shown, outcome.state == ALARM), data)


def evaluate_composite(alarm: Alarm, alarms: dict[str, Alarm]) -> Finding:
    """The finding for a composite alarm; alarms that are gone count as having insufficient data."""
    rule = composite.parse(alarm.rule or "")
    states = {name: alarms[name].state.value if name in alarms else INSUFFICIENT_DATA for name in rule.names}
    value = ALARM if rule.holds(lambda name: states[name]) else OK
    known = [alarms[name] for name in rule.names if name in alarms]
    triggering = [
        {
            "arn": child.alarm_arn,
            "state": {"value": child.state.value, "timestamp": iso_milliseconds(child.state.since)},
        }
        for child in known
    ]
    told = ", ".join(f"{child.alarm_arn} is {child.state.value}" for child in known)
    return Finding(
        value, f"The alarm rule is {'true' if value == ALARM else 'false'}: {told}", {"triggeringAlarms": triggering}
    )


def _rule_of(alarm: Alarm) -> Rule:
    assert alarm.decision_rule is not None
    return alarm.decision_rule


def _edges(alarm: Alarm, now: float) -> list[float]:
    return edges(now, period_of(alarm.queries), _rule_of(alarm).periods)


def _reason(alarm: Alarm, rule: Rule, outcome: Outcome, points: list[tuple[float, float]]) -> str:
    if outcome.state == INSUFFICIENT_DATA:
        return f"Insufficient Data: {_counted(rule.periods, 'datapoint')} {_was(rule.periods)} unknown."
    filled = ""
    if outcome.filled and rule.missing in ("breaching", "notBreaching"):
        kind = "Breaching" if rule.missing == "breaching" else "NonBreaching"
        filled = f"{_counted(outcome.filled, 'missing datapoint')} {_was(outcome.filled)} treated as [{kind}]"
    if not points:
        periods = _counted(rule.periods, "period")
        return f"Threshold Crossed: no datapoints were received for {periods} and {filled}."
    crossing = [point for point in points if rule.is_breaching(point[1])]
    shown = crossing if outcome.state == ALARM else [point for point in points if not rule.is_breaching(point[1])]
    shown = shown or points
    listed = ", ".join(f"{value} ({_clock_time(start)})" for start, value in reversed(shown))
    negated = "" if outcome.state == ALARM else " not"
    sentence = (
        f"Threshold Crossed: {len(shown)} out of the last {rule.periods} datapoints [{listed}] {_was(len(shown))}"
        f"{negated} {_OPERATORS[rule.comparison]} the threshold ({rule.threshold})"
    )
    return f"{sentence}{f' and {filled}' if filled else ''}{_transition(alarm, rule, outcome)}."


def _transition(alarm: Alarm, rule: Rule, outcome: Outcome) -> str:
    if outcome.state == ALARM:
        return f" (minimum {_counted(rule.points_to_alarm, 'datapoint')} for OK -> ALARM transition)"
    if alarm.state.value != ALARM:
        return ""
    needed = rule.periods - rule.points_to_alarm + 1
    return f" (minimum {_counted(needed, 'datapoint')} for ALARM -> OK transition)"


def _reason_data(alarm: Alarm, rule: Rule, points: list[tuple[float, float]], now: float) -> dict[str, Any]:
    period = period_of(alarm.queries)
    data: dict[str, Any] = {"version": "1.0", "queryDate": iso_milliseconds(now)}
    if points:
        data["startDate"] = iso_milliseconds(points[0][0])
    if len(alarm.queries) == 1:
        query = alarm.queries[0]
        data |= {"statistic": query.stat} | ({"unit": query.unit} if query.unit else {})
    return data | {
        "period": period,
        "recentDatapoints": [value for _, value in points],
        "threshold": rule.threshold,
        "evaluatedDatapoints": [
            {"timestamp": iso_milliseconds(start), "value": value} for start, value in reversed(points)
        ],
    }


def as_text(data: dict[str, Any]) -> str:
    """Reason data as the API and the events carry them."""
    return json.dumps(data, separators=(",", ":")) if data else ""


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _clock_time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%d/%m/%y %H:%M:%S")
