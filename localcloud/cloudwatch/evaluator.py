"""The thread that keeps every alarm's state up to date."""

import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Final

from localcloud.cloud import Cloud
from localcloud.cloudwatch.alarms import Alarm, AlarmBook, State
from localcloud.cloudwatch.evaluation import Finding, as_text, evaluate, evaluate_composite, inputs
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
        last = 0.0
        while not self._cloud.stopping.is_set():
            woken = self._woken.wait(_LOOK_SECONDS)
            now = self._cloud.clock.now()
            if not woken and now - last < _EVERY_VIRTUAL_SECONDS:
                continue
            self._woken.clear()
            last = now
            try:
                self.evaluate_all(now)
            except Exception:  # the next round may do better
                traceback.print_exc()

    def evaluate_all(self, now: float) -> None:
        """Every alarm has the state that the data and the other alarms give it at `now`."""
        for region, book, store in self._regions():
            alarms = list(book.values())
            for alarm in alarms:
                if alarm.rule is None:
                    self._evaluate(region, book, store, alarm, now)
            self._settle_composites(region, book, [alarm for alarm in alarms if alarm.rule is not None], now)

    def change(self, region: str, book: AlarmBook, alarm: Alarm, finding: Finding, now: float) -> None:
        """The alarm is in the found state; when that is another one, it has been told."""
        with book.lock:
            before = alarm.state
            if book.get(alarm.name) is not alarm or before.value == finding.value:
                return
            alarm.state = State(finding.value, finding.reason, as_text(finding.data), now, now)
            summary = f"Alarm updated from {before.value} to {finding.value}"
            states = {"oldState": before.__dict__, "newState": alarm.state.__dict__}
            alarm.remember("StateUpdate", summary, states, now)
        self._notices.send(alarm, before, region)

    def _evaluate(self, region: str, book: AlarmBook, store: MetricStore, alarm: Alarm, now: float) -> None:
        complete = now - self._ingestion_time()
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
            self.change(region, book, alarm, finding, now)

    def _settle_composites(self, region: str, book: AlarmBook, composites: list[Alarm], now: float) -> None:
        """Composite alarms may watch one another: as many rounds as there are settle them all."""
        for _ in composites:
            before = [alarm.state.value for alarm in composites]
            for alarm in composites:
                self.change(region, book, alarm, evaluate_composite(alarm, book), now)
            if before == [alarm.state.value for alarm in composites]:
                return

    def _ingestion_time(self) -> float:
        """How long (virtual) data may be on their way: a period is judged once they can have arrived."""
        return min(_INGESTION_REAL_SECONDS * self._cloud.clock.speed, _LONGEST_INGESTION)
