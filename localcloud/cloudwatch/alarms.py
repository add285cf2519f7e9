"""Alarms of one region: their settings as the API gave them, their state, and their history."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from localcloud.cloudwatch import anomaly, composite
from localcloud.cloudwatch.anomaly import Band, Model, band_of
from localcloud.cloudwatch.decision import COMPARISONS, INSUFFICIENT_DATA, TREATMENTS, Rule
from localcloud.cloudwatch.expression import InvalidExpression, names_in
from localcloud.cloudwatch.metrics import InvalidDatum, Metric, check_statistic
from localcloud.cloudwatch.suppression import NOT_SUPPRESSED, Suppression, Suppressor, suppressor_of

_DAY_SECONDS: Final = 86400
_SHORT_PERIODS: Final = (10, 20, 30)
SCALING: Final = ":scalingPolicy:"
"""In the ARN of a policy of Application Auto Scaling, which looks at the alarms that name it by itself."""
_ACTIONS: Final = ("OKActions", "AlarmActions", "InsufficientDataActions")
_CREATED: Final = "Unchecked: Initial alarm creation"


class InvalidAlarm(ValueError):
    """Raised for alarm settings that CloudWatch or the local cloud refuses."""


@dataclass(frozen=True)
class State:
    """An alarm's state since `since` (virtual); `updated` is when its reason was last written."""

    value: str
    reason: str
    data: str
    updated: float
    since: float

    def remembered(self) -> dict[str, Any]:
        """As the history's data show it."""
        shown = {"stateValue": self.value, "stateReason": self.reason}
        return shown | ({"stateReasonData": json.loads(self.data)} if self.data else {})


@dataclass(frozen=True)
class Query:
    """One line of an alarm's metrics: a statistic of a metric, or an expression over other lines."""

    id: str
    returns: bool
    metric: Metric | None
    stat: str
    period: int
    unit: str | None
    expression: str | None


@dataclass
class Alarm:
    """A metric alarm (with `decision_rule` and `queries`, perhaps a `band`) or a composite one (with `rule`)."""

    name: str
    alarm_arn: str
    settings: dict[str, Any]
    configured: float
    state: State
    queries: tuple[Query, ...] = ()
    decision_rule: Rule | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    evaluated: Any = None
    band: Band | None = None
    learned: tuple[float, Model | None] | None = None
    """The newest model of the band, and when it was learned."""
    suppression: Suppression = NOT_SUPPRESSED

    @property
    def rule(self) -> str | None:
        """The text of a composite alarm's rule."""
        return self.settings.get("AlarmRule")

    @property
    def suppressor(self) -> Suppressor | None:
        """The alarm that may hold back a composite alarm's actions."""
        return suppressor_of(self.settings)

    @property
    def actions_enabled(self) -> bool:
        """Whether changes of state call the alarm's actions."""
        return self.settings.get("ActionsEnabled", True) is not False

    def actions_for(self, state: str) -> list[str]:
        """The ARNs to call when the alarm goes to `state`."""
        names = {"OK": "OKActions", "ALARM": "AlarmActions", INSUFFICIENT_DATA: "InsufficientDataActions"}
        return list(self.settings.get(names[state]) or ())

    def described(self) -> dict[str, Any]:
        """As DescribeAlarms shows it."""
        shown = {key: value for key, value in self.settings.items() if key != "Tags"}
        for name in _ACTIONS:
            shown.setdefault(name, [])
        return (
            shown
            | self.suppression.described()
            | {
                "AlarmArn": self.alarm_arn,
                "ActionsEnabled": self.actions_enabled,
                "AlarmConfigurationUpdatedTimestamp": _moment(self.configured),
                "StateValue": self.state.value,
                "StateReason": self.state.reason,
                "StateReasonData": self.state.data,
                "StateUpdatedTimestamp": _moment(self.state.updated),
                "StateTransitionedTimestamp": _moment(self.state.since),
            }
        )

    def remember(self, kind: str, summary: str, data: dict[str, Any], now: float) -> None:
        """The history has one more item."""
        self.history.append(
            {
                "AlarmName": self.name,
                "AlarmType": "CompositeAlarm" if self.rule is not None else "MetricAlarm",
                "Timestamp": _moment(now),
                "HistoryItemType": kind,
                "HistorySummary": summary,
                "HistoryData": json.dumps({"version": "1.0"} | data),
            }
        )


class AlarmBook(dict[str, Alarm]):
    """The alarms of one region by name, with the lock under which their states change."""

    def __init__(self, arn_prefix: str) -> None:
        super().__init__()
        self.lock = threading.RLock()
        self._arn_prefix = arn_prefix

    def put(self, settings: dict[str, Any], now: float) -> Alarm:
        """The alarm has these settings and no others; a new one has insufficient data. Raises InvalidAlarm."""
        name = settings["AlarmName"]
        is_composite = settings.get("AlarmRule") is not None
        parts = self._composite_parts(settings) if is_composite else _metric_parts(settings)
        with self.lock:
            before = self.get(name)
            if before is not None and (before.rule is not None) != is_composite:
                raise InvalidAlarm(f"An alarm of another type already has the name {name}.")
            state = before.state if before else State(INSUFFICIENT_DATA, _CREATED, "", now, now)
            alarm = Alarm(name, f"{self._arn_prefix}{name}", settings, now, state, **parts)
            alarm.history = before.history if before else []
            alarm.suppression = before.suppression if before and alarm.suppressor else NOT_SUPPRESSED
            what = "updated" if before else "created"
            alarm.remember("ConfigurationUpdate", f'Alarm "{name}" {what}', {"type": what.title()}, now)
            self[name] = alarm
        return alarm

    def _composite_parts(self, settings: dict[str, Any]) -> dict[str, Any]:
        _check_actions(settings)
        self._check_suppressor(settings)
        try:
            rule = composite.parse(settings["AlarmRule"])
        except composite.InvalidRule as error:
            raise InvalidAlarm(str(error)) from error
        missing = [name for name in rule.names if name not in self]
        if missing:
            raise InvalidAlarm(
                f"Could not save the composite alarm as alarms {missing} in the alarm rule do not exist."
            )
        return {}

    def _check_suppressor(self, settings: dict[str, Any]) -> None:
        try:
            suppressor = suppressor_of(settings)
        except KeyError as missing:
            raise InvalidAlarm(f"{missing.args[0]} is required when ActionsSuppressor is specified.") from missing
        if suppressor is not None and suppressor.name not in self:
            raise InvalidAlarm(
                f"Could not save the composite alarm as its suppressor {suppressor.name} does not exist."
            )


def _metric_parts(settings: dict[str, Any]) -> dict[str, Any]:
    _check_actions(settings)
    band = _band(settings)
    queries = tuple(query for query in _queries(settings) if band is None or query.id != band.id)
    _check_queries(queries)
    if band is not None and band.of not in {query.id for query in queries if query.returns}:
        raise InvalidAlarm(f"{band.expression} must be a band around the metric that returns data.")
    rule = _decision_rule(settings, band)
    _check_span(period_of(queries), rule.periods)
    return {"queries": queries, "decision_rule": rule, "band": band}


def _band(settings: dict[str, Any]) -> Band | None:
    """The band that the alarm compares with in place of a threshold."""
    wanted = settings.get("ThresholdMetricId")
    if not wanted:
        return None
    given = next((one for one in settings.get("Metrics") or () if one["Id"] == wanted), None)
    band = band_of(wanted, given.get("Expression") or "") if given else None
    if band is None:
        raise InvalidAlarm("ThresholdMetricId must name an ANOMALY_DETECTION_BAND of a metric and a number.")
    if settings.get("Threshold") is not None:
        raise InvalidAlarm("Threshold and ThresholdMetricId exclude one another.")
    return band


def period_of(queries: Iterable[Query]) -> int:
    """The period of the data that an alarm evaluates. Raises InvalidAlarm when there are several."""
    periods = {query.period for query in queries if query.metric is not None or query.period}
    if len(periods) != 1:
        raise InvalidAlarm(f"The metrics of an alarm must share one period here, not {sorted(periods)}.")
    return periods.pop()


def _decision_rule(settings: dict[str, Any], band: Band | None) -> Rule:
    if settings.get("EvaluateLowSampleCountPercentile") == "ignore":
        raise InvalidAlarm("The local cloud evaluates percentiles of few samples, too: it cannot ignore them.")
    usual = "ignore" if settings.get("Namespace") == "AWS/DynamoDB" else "missing"
    comparison, missing = settings.get("ComparisonOperator"), settings.get("TreatMissingData") or usual
    if comparison not in COMPARISONS:
        raise InvalidAlarm(f"ComparisonOperator {comparison} is not one of {', '.join(COMPARISONS)}.")
    if missing not in TREATMENTS:
        raise InvalidAlarm(f"TreatMissingData {missing} is not one of {', '.join(TREATMENTS)}.")
    if (comparison in anomaly.COMPARISONS) != (band is not None):
        raise InvalidAlarm(f"{comparison} needs {'a Threshold' if band else 'a ThresholdMetricId'}.")
    if (band is None and settings.get("Threshold") is None) or not settings.get("EvaluationPeriods"):
        raise InvalidAlarm("Threshold and EvaluationPeriods are required.")
    periods = int(settings["EvaluationPeriods"])
    points = int(settings.get("DatapointsToAlarm") or periods)
    if not 1 <= points <= periods:
        raise InvalidAlarm("DatapointsToAlarm must be between 1 and EvaluationPeriods.")
    return Rule(str(comparison), float(settings.get("Threshold") or 0), periods, points, missing)


def _queries(settings: dict[str, Any]) -> Iterable[Query]:
    if settings.get("Metrics"):
        return [_query(given) for given in settings["Metrics"]]
    if not settings.get("MetricName") or not settings.get("Namespace") or not settings.get("Period"):
        raise InvalidAlarm("MetricName, Namespace and Period are required, or Metrics.")
    stats = [settings[key] for key in ("Statistic", "ExtendedStatistic") if settings.get(key)]
    if len(stats) != 1:
        raise InvalidAlarm("Exactly one of Statistic and ExtendedStatistic is required.")
    metric = Metric.of(settings["Namespace"], settings["MetricName"], settings.get("Dimensions"))
    return [Query("m1", True, metric, stats[0], int(settings["Period"]), settings.get("Unit"), None)]


def _query(given: dict[str, Any]) -> Query:
    returns = given.get("ReturnData") is not False
    stat = given.get("MetricStat")
    if stat is None:
        return Query(given["Id"], returns, None, "", int(given.get("Period") or 0), None, given.get("Expression"))
    named = stat["Metric"]
    metric = Metric.of(named["Namespace"], named["MetricName"], named.get("Dimensions"))
    return Query(given["Id"], returns, metric, stat["Stat"], int(stat["Period"]), stat.get("Unit"), None)


def _check_queries(queries: tuple[Query, ...]) -> None:
    if sum(query.returns for query in queries) != 1:
        raise InvalidAlarm("Exactly one element of the metrics list should return data.")
    ids = {query.id for query in queries}
    for query in queries:
        try:
            if query.metric is not None:
                check_statistic(query.stat)
            elif unknown := names_in(query.expression or "") - ids:
                raise InvalidAlarm(f"Invalid metrics list: {query.expression} uses undefined {sorted(unknown)}.")
        except (InvalidDatum, InvalidExpression) as error:
            raise InvalidAlarm(str(error)) from error


def _check_span(period: int, periods: int) -> None:
    if period not in _SHORT_PERIODS and (period < 60 or period % 60):
        raise InvalidAlarm(f"The period {period} is not 10, 20, 30 or a multiple of 60 seconds.")
    longest = _DAY_SECONDS if period < 3600 else 7 * _DAY_SECONDS
    if period * periods > longest:
        raise InvalidAlarm(f"EvaluationPeriods times Period must not exceed {longest} seconds.")


def _check_actions(settings: dict[str, Any]) -> None:
    for name in _ACTIONS:
        for arn in settings.get(name) or ():
            if not any(kind in arn for kind in (":sns:", ":lambda:", SCALING)):
                raise InvalidAlarm(
                    f"The local cloud does not run the alarm action {arn}: only SNS topics, Lambda, scaling policies."
                )


def _moment(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
