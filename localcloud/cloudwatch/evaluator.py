"""The thread that keeps every alarm's state up to date."""

import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Final

from localcloud.cloud import Cloud
from localcloud.cloudwatch import suppression
from localcloud.cloudwatch.alarms import Alarm, AlarmBook, State
from localcloud.cloudwatch.evaluation import Finding, as_text, evaluate, evaluate_composite, inputs, turning_points
from localcloud.cloudwatch.expression import InvalidExpression
from localcloud.cloudwatch.metrics import MetricStore
from localcloud.cloudwatch.notices import Notices

_EVERY_VIRTUAL_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.1
_INGESTION_REAL_SECONDS: Final = 0.3
_LONGEST_INGESTION: Final = 30.0

Regions = Callable[[], Iterator[tuple[str, AlarmBook, MetricStore]]]


class Evaluator:
    """Evaluates all alarms every ten virtual seconds, and at once after `wake`."""

    def __init__(self, cloud: Cloud, regions: Regions, notices: Notices) -> None:
        self._cloud = cloud
        self._regions = regions
        self._notices = notices
        self._woken = threading.Event()

    def start(self) -> None:
        """The evaluator runs until the cloud stops."""
        threading.Thread(target=self._run, name="cloudwatch-evaluator", daemon=True).start()

    def wake(self) -> None:
        """The alarms will be evaluated within a tenth of a second."""
        self._woken.set()

    def _run(self) -> None:
        last = self._complete()
        while not self._cloud.stopping.is_set():
            woken = self._woken.wait(_LOOK_SECONDS)
            complete = self._complete()
            if not woken and complete - last < _EVERY_VIRTUAL_SECONDS:
                continue
            self._woken.clear()
            try:
                self.evaluate_all(last, complete)
            except Exception:  # the next round may do better
                traceback.print_exc()
            last = max(last, complete)

    def evaluate_all(self, after: float, until: float) -> None:
        """Every alarm has gone through the states that it had between the two times, in the order of time."""
        for region, book, store in self._regions():
            alarms = list(book.values())
            due: dict[float, list[Alarm]] = {until: [alarm for alarm in alarms if alarm.rule is None]}
            for alarm in due[until]:
                for moment in turning_points(alarm, store, after, until):
                    due.setdefault(moment, []).append(alarm)
            for moment in sorted(due):
                for alarm in due[moment]:
                    self._evaluate(region, book, store, alarm, moment)
                self._settle_composites(region, book, [alarm for alarm in alarms if alarm.rule is not None], moment)

    def change(self, region: str, book: AlarmBook, alarm: Alarm, finding: Finding, now: float) -> None:
        """The alarm is in the found state; when that is another one, it has been told."""
        with book.lock:
            before = alarm.state
            if book.get(alarm.name) is not alarm or before.value == finding.value:
                return
            alarm.state = State(finding.value, finding.reason, as_text(finding.data), now, now)
            summary = f"Alarm updated from {before.value} to {finding.value}"
            states = {"oldState": before.remembered(), "newState": alarm.state.remembered()}
            alarm.remember("StateUpdate", summary, states, now)
            held = _held(book, alarm, now)
        self._notices.tell(alarm, before, region)
        if not held:
            self._notices.act(alarm, before, region)

    def _let_go(self, region: str, book: AlarmBook, alarm: Alarm, now: float) -> None:
        """Actions that a suppressor held back are taken when it is over, if they were not for this state already."""
        suppressor = alarm.suppressor
        if suppressor is None or alarm.suppression.by is None:
            return
        with book.lock:
            before = alarm.suppression
            rings = _rings(book, suppressor.name)
            alarm.suppression = suppression.when_time_passes(before, suppressor, rings, alarm.state.value, now)
            over = alarm.suppression.by is None
        if over and before.told != alarm.state.value:
            self._notices.tell(alarm, alarm.state, region, before)
            self._notices.act(alarm, alarm.state, region)

    def _evaluate(self, region: str, book: AlarmBook, store: MetricStore, alarm: Alarm, complete: float) -> None:
        depends_on = inputs(alarm, store, complete)
        if alarm.evaluated == depends_on:
            return
        try:
            finding = evaluate(alarm, store, complete)
        except InvalidExpression as error:
            print(f"alarm {alarm.name} cannot be evaluated: {error}", file=sys.stderr, flush=True)
            finding = None
        alarm.evaluated = depends_on
        if finding is not None:
            self.change(region, book, alarm, finding, max(complete, alarm.state.since))

    def _settle_composites(self, region: str, book: AlarmBook, composites: list[Alarm], now: float) -> None:
        """Composite alarms may watch one another: as many rounds as there are settle them all."""
        for _ in composites:
            before = [alarm.state.value for alarm in composites]
            for alarm in composites:
                finding = evaluate_composite(alarm, book)
                self.change(region, book, alarm, finding, max(now, alarm.state.since))
                self._let_go(region, book, alarm, now)
            if before == [alarm.state.value for alarm in composites]:
                return

    def _complete(self) -> float:
        """The virtual time up to which data can have arrived: a period is judged when it ends before."""
        clock = self._cloud.clock
        return clock.now() - min(_INGESTION_REAL_SECONDS * clock.speed, _LONGEST_INGESTION)


def _held(book: AlarmBook, alarm: Alarm, now: float) -> bool:
    """Whether a suppressor holds the actions of the alarm's new state back."""
    suppressor = alarm.suppressor
    if suppressor is None:
        return False
    before, rings = alarm.suppression, _rings(book, suppressor.name)
    alarm.suppression = suppression.when_changed(before, suppressor, rings, alarm.state.value, now)
    return alarm.suppression.by is not None


def _rings(book: AlarmBook, name: str) -> bool:
    """An alarm that is gone holds nothing back."""
    return name in book and book[name].state.value == suppression.ALARM
