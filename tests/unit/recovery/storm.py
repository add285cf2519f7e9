"""A model in memory whose alarms, truth, trainings and clock a test throws about; its machines do as the real ones."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from functions.decide_retrain.handler import DecideRetrainEvent, decide_once
from functions.release_training.handler import ReleaseTrainingEvent, release
from tests.billing_fakes import MemoryBills
from tests.fakes import NOON, MemoryAlarms, MemoryLedger, RecordingMetrics, RecordingNotifier, fake_runtime
from tests.unit.functions.alarmed import Descriptions
from tests.unit.functions.scene import tiny_spec
from trimtab.entrypoint import Runtime
from trimtab.ledger.kinds import RETRAIN_REQUESTED
from trimtab.ports import Entry
from trimtab.recovery.history import DECISIONS, pending
from trimtab.recovery.rings import FOLD
from trimtab.spec import Spec
from trimtab.spec.retraining import RetrainingSpec
from trimtab.telemetry import Metric
from trimtab.training.queue import take

SPEC = tiny_spec()
ALARMS = {"Drift": Metric.PSI_MAX, "Quality": Metric.QUALITY_DROP, "Slice": Metric.SLICE_DROP}


@dataclass
class Model:
    """One model that serves version 1, whose readings are all beyond their limits."""

    policy: RetrainingSpec
    outcome: str = "Failed"
    """How its trainings end."""
    minutes: int = 20
    """How long one takes."""
    now: datetime = NOON
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    alarms: MemoryAlarms = field(default_factory=MemoryAlarms)
    notifier: RecordingNotifier = field(default_factory=RecordingNotifier)
    told: set[str] = field(default_factory=set)
    """Alarms that were delivered at least once, as the ledger names them."""
    training: tuple[str, int, datetime] | None = None
    """Run, fence and end of the training in progress."""
    count: int = 0

    def __post_init__(self) -> None:
        dimensions = [{"Name": "Model", "Value": "tiny"}]
        for name, metric in ALARMS.items():
            request = {"Namespace": "Trimtab", "MetricName": metric.value, "Dimensions": dimensions}
            self.alarms.put({"AlarmName": name, **request})
            self.alarms.state[name] = "ALARM"
        champion = {"champion": {"version": 1}}
        self.ledger.append("rollout.serving", "p1", champion, self.now, "test", state=champion)
        self.ledger.append("window.measured", "w", {"version": 1, "max_psi": 9.0, "prediction_psi": 9.0}, self.now, "t")
        self.ledger.append("quality.measured", "w", {"version": 1, "drop": 0.5, "reading": 0.5}, self.now, "test")
        self.truth()

    @property
    def spec(self) -> Spec:
        return SPEC.model_copy(update={"retraining": self.policy})

    @property
    def runtime(self) -> Runtime:
        parts = {"ledger": self.ledger, "notifier": self.notifier, "metrics": RecordingMetrics()}
        return fake_runtime(self.spec, **parts)

    def truth(self) -> None:
        """New labels are accepted."""
        self.count += 1
        data = {"kind": "truth", "rows": 100}
        self.ledger.append("drop.accepted", f"drop-{self.count}", data, self.now, "test")

    def alarm(self, name: str, at: datetime | None = None) -> dict[str, Any]:
        """The alarm's change to ALARM is delivered, now or late."""
        self.told.add(f"{name}@{(at or self.now).isoformat()}")
        return self.ask("alarm", name, at)

    def ask(self, cause: str, alarm: str = "", at: datetime | None = None) -> dict[str, Any]:
        """The recovery machine runs to its end."""
        self.count += 1
        asked = {"cause": cause, "alarm": alarm, "by": "ann", "reason": "mended"}
        event = DecideRetrainEvent.model_validate(
            {"model": "tiny", "at": at or self.now, "execution": f"execution-{self.count}", "asked": asked}
        )
        return self.act(event, self.runtime)

    def act(self, event: DecideRetrainEvent, runtime: Runtime) -> dict[str, Any]:
        """What the machine does with the answer."""
        found = decide_once(event, runtime, self.alarms, Descriptions(self.alarms))
        if found["start"]:
            self.begin(event.execution, found)
        return found

    def begin(self, execution: str, found: dict[str, Any]) -> None:
        """The training machine takes the request; a training that runs keeps it waiting."""
        run = f"run-{execution}"
        request = {"reason": found["reason"], "cause": "alarm", "execution": execution}
        lease = take(self.ledger, self.spec.training, run, request, self.now, "lease_training")
        assert lease is not None, "the policy let a training start beside another"
        assert self.training is None
        self.training = (run, lease.fence, self.now + timedelta(minutes=self.minutes))
        self.ledger.append("dataset.built", run, {}, self.now, "build_dataset")

    def pass_time(self, minutes: float) -> None:
        """The clock moves, also backwards; a training whose time is over ends, and recovery looks."""
        self.now += timedelta(minutes=minutes)
        if self.training is not None and self.now >= self.training[2]:
            run, fence, _ = self.training
            ended = ReleaseTrainingEvent(model="tiny", at=self.now, run=run, fence=fence, outcome=self.outcome)
            release(ended, self.runtime, MemoryBills())
            self.training = None
            self.ask("look")

    @property
    def starts(self) -> list[datetime]:
        return [entry.at for entry in self.ledger.rows if entry.kind == RETRAIN_REQUESTED]

    @property
    def waiting(self) -> dict[str, list[Entry]]:
        return pending(self.ledger.rows)

    def unaccounted(self) -> Iterator[str]:
        """Alarms that more than one decision of the ledger is about; or none, and none of the hour around says it."""
        decisions = [entry for entry in self.ledger.rows if entry.kind in DECISIONS and entry.data["cause"] == "alarm"]
        answered = Counter(entry.data.get("event") for entry in decisions)
        for each in sorted(self.told):
            alarm, at = each.split("@")
            near = (entry.data["alarm"] == alarm and abs(entry.at - moment(at)) < FOLD for entry in decisions)
            if answered[each] > 1 or not any(near):
                yield f"{each}: {answered[each]}"


def moment(text: str) -> datetime:
    """The time that an alarm's name in the ledger ends with."""
    return datetime.fromisoformat(text)


def busiest(starts: list[datetime], window: timedelta) -> int:
    """Most starts in any window of this length."""
    return max((sum(start - window < other <= start for other in starts) for start in starts), default=0)
