"""Alarms as a template has them, and the data that code emits, put before the local cloud's evaluation of alarms."""

import contextlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloudwatch.alarms import Alarm, AlarmBook, State
from localcloud.cloudwatch.decision import span
from localcloud.cloudwatch.emf import extract
from localcloud.cloudwatch.evaluation import evaluate
from localcloud.cloudwatch.metrics import Metric, MetricStore, put_metric_data
from trimtab.entrypoint import EmfMetrics

Datum = dict[str, Any]
Emitted = list[tuple[str, Datum]]
"""Namespace and datum of what was emitted, whenever that was."""
MODEL = "tiny"
BEGINNING = 1_767_225_600.0
_ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions", "Tags")


def of_trimtab(act: Callable[[EmfMetrics], object]) -> Emitted:
    """What ``act`` emits through the sink that functions have, as CloudWatch reads it out of the log."""
    log = io.StringIO()
    with contextlib.redirect_stdout(log):
        act(EmfMetrics(MODEL))
    lines = [found for line in log.getvalue().splitlines() for found in extract(line)]
    return [(found.namespace, datum) for found in lines for datum in found.data]


@dataclass
class Clock:
    """A clock that stands."""

    speed: float = 1.0

    def now(self) -> float:
        return BEGINNING


@dataclass
class EmittingCloud:
    """As much of a local cloud as its services need to emit metrics."""

    emitted: Emitted = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def put_metrics(self, namespace: str, data: list[Datum], *, region: str | None = None) -> None:
        self.emitted += [(namespace, datum) for datum in data]

    def emit(self, *_event: Any, **_more: Any) -> None:
        """Events are not looked at."""


def plain(value: Any) -> Any:
    """A template's value with a text in place of every reference; the same reference gives the same text."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("Ref", "Fn::GetAtt"):
        (named,) = value.values()
        return named if isinstance(named, str) else ".".join(named)
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


class Watched:
    """One alarm of a template, on a clock that is moved by what is emitted."""

    def __init__(self, name: str, properties: dict[str, Any]) -> None:
        wanted = {key: plain(value) for key, value in properties.items() if key not in _ACTIONS}
        self.alarm: Alarm = AlarmBook("arn:").put(wanted | {"AlarmName": name}, BEGINNING)
        self._store, self.now = MetricStore(), BEGINNING

    @property
    def metrics(self) -> set[Metric]:
        """Namespace, name and dimensions of what it looks at."""
        return {query.metric for query in self.alarm.queries if query.metric is not None}

    @property
    def _period(self) -> int:
        return max(query.period for query in self.alarm.queries)

    @property
    def longest(self) -> int:
        """Periods after which nothing is left of what was emitted before."""
        assert self.alarm.decision_rule is not None
        return span(self._period, self.alarm.decision_rule.periods)

    def live_through(self, emitted: Emitted, periods: int | None = None) -> str:
        """The state after so many periods (as many as are evaluated, unless told) that each begin with the data."""
        assert self.alarm.decision_rule is not None
        for _ in range(periods or self.alarm.decision_rule.periods):
            for namespace, datum in emitted:
                put_metric_data(self._store, namespace, [datum | {"Timestamp": self.now + 1}], self.now)
            self.now += self._period
            self._evaluate()
        return self.alarm.state.value

    def live_on(self, emitted: Emitted, seconds: float) -> str:
        """The state after so long, of which the first hour is looked at closely; the data come at its beginning."""
        for namespace, datum in emitted:
            put_metric_data(self._store, namespace, [datum | {"Timestamp": self.now + 1}], self.now)
        begun = self.now
        for looked_at in (*range(300, 3600, 300), seconds):
            self.now = begun + looked_at
            self._evaluate()
        return self.alarm.state.value

    def _evaluate(self) -> None:
        finding = evaluate(self.alarm, self._store, self.now)
        if finding is not None:
            self.alarm.state = State(finding.value, finding.reason, "", self.now, self.now)


def identities(emitted: Iterable[tuple[str, Datum]]) -> Iterator[Metric]:
    """The metrics that the data belong to."""
    for namespace, datum in emitted:
        yield Metric.of(namespace, datum["MetricName"], datum.get("Dimensions"))
