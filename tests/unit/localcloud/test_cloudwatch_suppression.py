"""When a composite alarm keeps its actions to itself."""

from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.cloudwatch.alarms import Alarm, AlarmBook, InvalidAlarm, State
from localcloud.cloudwatch.evaluation import Finding
from localcloud.cloudwatch.evaluator import Evaluator
from localcloud.cloudwatch.metrics import MetricStore

MINUTE = 60.0
METRIC = {
    "Namespace": "N",
    "MetricName": "M",
    "Statistic": "Sum",
    "Period": 60,
    "Threshold": 1.0,
    "EvaluationPeriods": 1,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "ignore",
}
SUPPRESSED = {"ActionsSuppressor": "mute", "ActionsSuppressorWaitPeriod": 120, "ActionsSuppressorExtensionPeriod": 60}


class Told:
    """What would have been sent."""

    def __init__(self) -> None:
        self.acted: list[str] = []
        self.events: list[tuple[str, Any]] = []

    def tell(self, alarm: Alarm, before: State, region: str, held: Any = None) -> None:
        self.events.append((alarm.name, held))

    def act(self, alarm: Alarm, before: State, region: str) -> None:
        if alarm.name == "page":
            self.acted.append(alarm.state.value)


class Stage:
    """An alarm, its suppressor, and the composite alarm that would page; the clock is moved by hand."""

    def __init__(self) -> None:
        self.told, self.book, self.now = Told(), AlarmBook("arn:aws:cloudwatch:x:1:alarm:"), 0.0
        for name in ("cause", "mute"):
            self.book.put(METRIC | {"AlarmName": name}, 0.0)
        self.book.put({"AlarmName": "page", "AlarmRule": "ALARM(cause)", **SUPPRESSED}, 0.0)
        self.evaluator = Evaluator(None, self._regions, self.told)  # type: ignore[arg-type]
        self.later(0)

    def _regions(self) -> Iterator[tuple[str, AlarmBook, MetricStore]]:
        yield "x", self.book, MetricStore()

    def set(self, name: str, state: str) -> None:
        self.evaluator.change("x", self.book, self.book[name], Finding(state, "by hand", {}), self.now)
        self.later(0)

    def later(self, seconds: float) -> None:
        before, self.now = self.now, self.now + seconds
        self.evaluator.evaluate_all(before, self.now)

    @property
    def by(self) -> str | None:
        found: str | None = self.book["page"].described().get("ActionsSuppressedBy")
        return found


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    assert made.told.acted == ["OK"]
    made.told.acted.clear()
    return made


def test_nothing_is_held_back_for_longer_than_the_suppressor_is_waited_for(stage: Stage) -> None:
    stage.set("cause", "ALARM")
    assert (stage.told.acted, stage.by) == ([], "WaitPeriod")
    stage.later(119)
    assert stage.told.acted == []
    stage.later(1)
    assert (stage.told.acted, stage.by) == (["ALARM"], None)
    stage.later(MINUTE)
    assert stage.told.acted == ["ALARM"]


def test_a_suppressor_that_rings_in_time_holds_back_until_it_is_over(stage: Stage) -> None:
    stage.set("cause", "ALARM")
    stage.later(MINUTE)
    stage.set("mute", "ALARM")
    stage.later(100 * MINUTE)
    assert (stage.told.acted, stage.by) == ([], "Alarm")
    stage.set("mute", "OK")
    assert stage.by == "ExtensionPeriod"
    stage.later(59)
    assert stage.told.acted == []
    stage.later(1)
    assert stage.told.acted == ["ALARM"]


def test_what_ended_while_it_was_held_back_is_never_told(stage: Stage) -> None:
    stage.set("mute", "ALARM")
    stage.set("cause", "ALARM")
    stage.set("cause", "OK")
    stage.set("mute", "OK")
    stage.later(2 * MINUTE)
    assert (stage.told.acted, stage.by) == ([], None)


def test_a_suppressor_that_rings_again_within_the_extension_goes_on_holding_back(stage: Stage) -> None:
    stage.set("mute", "ALARM")
    stage.set("cause", "ALARM")
    stage.set("mute", "OK")
    stage.later(30)
    stage.set("mute", "ALARM")
    stage.later(5 * MINUTE)
    assert (stage.told.acted, stage.by) == ([], "Alarm")


def test_the_end_of_a_page_is_told_at_once(stage: Stage) -> None:
    stage.set("cause", "ALARM")
    stage.later(2 * MINUTE)
    stage.set("cause", "OK")
    assert stage.told.acted == ["ALARM", "OK"]


def test_events_are_sent_whether_or_not_actions_are_held_back(stage: Stage) -> None:
    stage.told.events.clear()
    stage.set("mute", "ALARM")
    stage.set("cause", "ALARM")
    assert [name for name, _ in stage.told.events] == ["mute", "cause", "page"]
    stage.set("mute", "OK")
    stage.later(MINUTE)
    name, held = stage.told.events[-1]
    assert (name, held.by) == ("page", "ExtensionPeriod")


def test_a_suppressor_that_is_gone_holds_nothing_back(stage: Stage) -> None:
    stage.set("mute", "ALARM")
    stage.set("cause", "ALARM")
    del stage.book["mute"]
    stage.later(0)
    stage.later(MINUTE)
    assert stage.told.acted == ["ALARM"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ActionsSuppressor": "absent"}, "absent does not exist|absent is missing"),
        ({"ActionsSuppressorWaitPeriod": None}, "ActionsSuppressorWaitPeriod"),
    ],
)
def test_a_suppressor_that_cannot_work_is_refused(stage: Stage, changes: dict[str, Any], reason: str) -> None:
    wanted = {"AlarmName": "other", "AlarmRule": "ALARM(cause)", **SUPPRESSED} | changes
    with pytest.raises(InvalidAlarm, match=reason):
        stage.book.put({name: value for name, value in wanted.items() if value is not None}, 0.0)
