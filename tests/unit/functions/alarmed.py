"""A model whose alarms a test rings, and what the ledger knows of its trainings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes import NOON, MemoryAlarms
from tests.unit.functions.scene import Scene, function
from trimtab.monitoring.alarms import AlarmSeen, Turn
from trimtab.spec.retraining import RetrainingSpec
from trimtab.telemetry import Metric

DRIFT_ALARM, SCORES_ALARM, QUALITY_ALARM, SLICE_ALARM = "stack-Drift-1", "stack-Scores-3", "stack-Quality-2", "stack-4"
WATCHED = {
    DRIFT_ALARM: Metric.PSI_MAX,
    SCORES_ALARM: Metric.PSI_PREDICTION,
    QUALITY_ALARM: Metric.QUALITY_DROP,
    SLICE_ALARM: Metric.SLICE_DROP,
}


@dataclass
class Descriptions:
    """The same alarms as people read them."""

    alarms: MemoryAlarms
    since: dict[str, datetime] = field(default_factory=dict)
    """When their state turned; noon for those not named."""

    def described(self, names: Iterable[str]) -> Sequence[AlarmSeen]:
        return [self._seen(name) for name in names if name in self.alarms.state]

    def under(self, prefix: str) -> Sequence[AlarmSeen]:
        return [self._seen(name) for name in sorted(self.alarms.state) if name.startswith(prefix)]

    def turns(self, name: str, since: datetime) -> Sequence[Turn]:
        return []

    def _seen(self, name: str) -> AlarmSeen:
        about = "tiny: something is wrong. What to do: docs/runbooks/endpoint.md"
        return AlarmSeen(name, self.alarms.state[name], about, "", self.since.get(name, NOON))


def alarmed() -> Scene:
    """All alarms are OK, a dataset was built, and one labelled file has come since."""
    made = Scene()
    for name, metric in WATCHED.items():
        dimensions = [{"Name": "Model", "Value": "tiny"}]
        request = {"AlarmName": name, "Namespace": "Trimtab", "MetricName": metric.value, "Dimensions": dimensions}
        made.alarms.put(request)
        made.alarms.state[name] = "OK"
    made.ledger.append("dataset.built", "d1", {}, made.now, "test")
    accept(made, labelled=True)
    return made


def accept(scene: Scene, *, labelled: bool, kind: str = "data") -> None:
    """A drop is accepted."""
    data = {"kind": kind, "labelled": labelled}
    scene.ledger.append("drop.accepted", f"drop-{len(scene.ledger.rows)}", data, scene.now, "test")


def decide(
    scene: Scene, cause: str = "alarm", alarm: str | None = DRIFT_ALARM, execution: str = "", **more: str
) -> dict[str, Any]:
    """The recovery machine asks."""
    module = function("decide_retrain")
    asked = {"cause": cause, "alarm": alarm or "", **more}
    event = module.DecideRetrainEvent.model_validate(scene.event(execution, asked=asked))
    return dict(module.decide_once(event, scene.runtime, scene.alarms, Descriptions(scene.alarms)))


def policy(scene: Scene, **changed: Any) -> None:
    """The spec with other settings of retraining."""
    retraining = RetrainingSpec.model_validate(scene.spec.retraining.model_dump() | changed)
    scene.spec = scene.spec.model_copy(update={"retraining": retraining})


def serve(scene: Scene, version: int) -> None:
    """The version takes over."""
    scene.ledger.append(
        "rollout.serving", f"p{version}", {}, scene.now, "test", state={"champion": {"version": version}}
    )


def read_quality(scene: Scene, version: int, drop: float | None) -> None:
    """Its quality is measured."""
    scene.ledger.append(
        "quality.measured", "w1", {"version": version, "drop": drop, "reading": drop}, scene.now, "test"
    )


def read_drift(scene: Scene, version: int, psi: float, prediction: float) -> None:
    """Its drift is measured."""
    data = {"version": version, "max_psi": psi, "prediction_psi": prediction}
    scene.ledger.append("window.measured", "w1", data, scene.now, "test")


def take_over(scene: Scene, version: int, kind: str = "rollout.serving") -> None:
    """The version takes over, with all that is known of it."""
    champion = {"version": version, "config": f"tiny-v{version}", "package_arn": f"arn/{version}"}
    data = {"champion": champion}
    scene.ledger.append(kind, f"p{version}", data, scene.now, "test", state=data)


def watched(scene: Scene, action: str, **after: int) -> None:
    """Version 1, then version 2 serve; version 2 is measured beyond its limit an hour later, and its alarm rings."""
    spec = scene.spec.rollout.after.model_copy(update={"action": action, **after})
    scene.spec = scene.spec.model_copy(update={"rollout": scene.spec.rollout.model_copy(update={"after": spec})})
    take_over(scene, 1)
    scene.later(days=2)
    take_over(scene, 2)
    scene.later(hours=1)
    read_quality(scene, 2, drop=0.2)
    scene.alarms.state[QUALITY_ALARM] = "ALARM"


def drifts(scene: Scene) -> None:
    """Version 1 serves, its columns have drifted, and the alarm says so."""
    serve(scene, 1)
    read_drift(scene, 1, psi=0.9, prediction=0.0)
    scene.alarms.state[DRIFT_ALARM] = "ALARM"


def rings(scene: Scene, alarm: str = QUALITY_ALARM) -> None:
    """Version 1 serves, is measured beyond its limit, and the alarm says so."""
    serve(scene, 1)
    read_quality(scene, 1, drop=0.2)
    scene.alarms.state[alarm] = "ALARM"


def lose(scene: Scene, times: int, cause: str = "alarm", outcome: str = "Refused") -> None:
    """So many trainings in a row end without a candidate."""
    for number in range(times):
        run = f"{cause}-{scene.later(days=3):%d%H}-{number}"
        scene.ledger.append("training.leased", run, {"cause": cause}, scene.now, "test")
        scene.ledger.append("training.released", run, {"outcome": outcome, "reason": "why"}, scene.now, "test")
