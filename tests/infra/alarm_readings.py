"""Good and bad readings of everything that an alarm looks at, emitted by the code that emits them in production."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np

from localcloud.cloudwatch.queue_metrics import QueueMetrics
from localcloud.sagemaker.backlog import Backlog
from localcloud.sagemaker.metrics import InvocationMetrics, Outcome, Target
from localcloud.sagemaker.utilization import Utilization
from tests.infra.alarm_evaluation import MODEL, Emitted, EmittingCloud, of_trimtab
from tests.unit.functions.rollback_run import RollbackRun, promote, serve_two_versions
from tests.unit.functions.scene import SPEC, Scene
from tests.unit.functions.test_measure_quality import EVALUATION
from tests.unit.functions.test_reconcile_serving import Look
from tests.unit.monitoring.captured import capture_uri
from tests.unit.monitoring.production import Production, population, truth_of
from trimtab.entrypoint import EmfMetrics
from trimtab.ledger.kinds import RETRAIN_GIVEN_UP
from trimtab.recovery.arrivals import Arrivals
from trimtab.recovery.giving_up import GivingUp
from trimtab.spec import parse_spec
from trimtab.spec.data import DataSpec

ENDPOINT, VARIANT = f"trimtab-dev-{MODEL}", "main"
NOTHING: Emitted = []


@dataclass(frozen=True)
class Readings:
    """What is emitted while all is well, and what when it is not."""

    good: Callable[[], Emitted]
    bad: Callable[[], Emitted]


def monitored(change: Callable[[dict[str, Any]], dict[str, Any]], noise: bool = False) -> Callable[[], Emitted]:
    """A whole run of the monitoring functions over traffic that was changed so, whose truth is known."""

    def act(metrics: EmfMetrics) -> None:
        production = Production()
        production.serve(1)
        rows = population(11)
        production.traffic(change(rows))
        production.truth(rows, "truth", truth_of(population(12) if noise else rows))
        production.scene.metrics = metrics  # type: ignore[assignment]
        production.run()

    return lambda: of_trimtab(act)


def uncaptured(runs: int) -> Callable[[], Emitted]:
    """Capture is off: whole runs find nothing to measure."""

    def act(metrics: EmfMetrics) -> None:
        production = Production()
        production.serve(1)
        production.scene.metrics = metrics  # type: ignore[assignment]
        for _ in range(runs):
            assert production.run()["window"] is None
            production.scene.later(days=1)

    return lambda: of_trimtab(act)


def unread(lines: int) -> Callable[[], Emitted]:
    """A file of requests nobody can read, and nothing else, is collected."""

    def act(metrics: EmfMetrics) -> None:
        production = Production()
        production.serve(1)
        production.scene.objects.write(capture_uri(production.scene.now, "f"), b"not json\n" * lines)
        production.scene.metrics = metrics  # type: ignore[assignment]
        assert production.call("collect_window")["outcome"] == "NoData"

    return lambda: of_trimtab(act)


def followed(per_day: float) -> Callable[[], Emitted]:
    """What is measured over time when performance falls by so much a day, for two weeks."""

    def act(metrics: EmfMetrics) -> None:
        production = Production()
        production.serve(1)
        scene = production.scene
        for day in range(15):
            at = scene.now - timedelta(days=15 - day)
            period = {"start": at.isoformat(), "end": (at + timedelta(hours=1)).isoformat()}
            drop = per_day * day + (0.001, -0.001, 0.002)[day % 3]
            reading = {"version": 1, "window": f"w{day}", "drop": drop, "error": 0.004, "period": period, "n": 9}
            scene.ledger.append("quality.measured", f"w{day}", reading, at, "test")
        scene.metrics = metrics  # type: ignore[assignment]
        production.call("measure_change")

    return lambda: of_trimtab(act)


def evaluated(
    change: Callable[[dict[str, Any]], dict[str, Any]], label: Callable[[dict[str, Any]], Any] | None = None
) -> Callable[[], Emitted]:
    """A whole run over traffic of a version with a whole evaluation; the truth of its rows is known, or none is."""

    def act(metrics: EmfMetrics) -> None:
        production = Production()
        production.serve(1, auc=0.83, evaluation=EVALUATION)
        rows = change(population(11))
        production.traffic(rows)
        if label is not None:
            production.truth(rows, "truth", label(rows))
        production.scene.metrics = metrics  # type: ignore[assignment]
        production.run()

    return lambda: of_trimtab(act)


def treated(slighted: float) -> Callable[[], Emitted]:
    """A run over traffic whose people of kind b are scored lower by so much of their score."""

    def act(metrics: EmfMetrics) -> None:
        production = Production()
        production.scene.spec = parse_spec(SPEC.replace("domain: [a, b, c]}", "domain: [a, b, c], role: protected}"))
        production.serve(1)
        rows = population(11)
        production.traffic(rows | {"x": np.where(rows["kind"] == "b", (1 - slighted) * rows["x"], rows["x"])})
        production.scene.metrics = metrics  # type: ignore[assignment]
        production.run()

    return lambda: of_trimtab(act)


def due(came: bool) -> Callable[[], Emitted]:
    """A run nine days after a window whose truth was due after seven."""

    def act(metrics: EmfMetrics) -> None:
        production = Production()
        watch = "monitoring: {min_rows: 50, alarms: {truth_expected_days: 7}}"
        production.scene.spec = parse_spec(SPEC.replace("monitoring: {min_rows: 50}", watch))
        production.serve(1)
        rows = population(11)
        production.traffic(rows)
        production.run()
        production.scene.later(days=9)
        if came:
            production.truth(rows, "truth", truth_of(rows))
        production.scene.metrics = metrics  # type: ignore[assignment]
        production.run()

    return lambda: of_trimtab(act)


def looked_at(change: Callable[[Look], None]) -> Callable[[], Emitted]:
    """Two versions serve one after the other, something is changed, and the reconciler looks."""

    def act(metrics: EmfMetrics) -> None:
        scene = Scene()
        serve_two_versions(scene)
        look = Look(scene)
        change(look)
        scene.metrics = metrics  # type: ignore[assignment]
        look()

    return lambda: of_trimtab(act)


def moving() -> Emitted:
    """A version is promoted, and brought back."""

    def act(metrics: EmfMetrics) -> None:
        scene = Scene()
        serve_two_versions(scene)
        scene.metrics = metrics  # type: ignore[assignment]
        promote(scene, "run-3", "third")
        back = RollbackRun(scene)
        back.begin()
        back.restored()

    return of_trimtab(act)


def given_up(resumed: bool) -> Callable[[], Emitted]:
    """Retraining was given up once, and may have been resumed."""

    def act(metrics: EmfMetrics) -> None:
        scene = Scene()
        scene.ledger.append(RETRAIN_GIVEN_UP, "r", {}, scene.now, "test")
        (entry,) = scene.ledger.entries()
        history: Any = SimpleNamespace(entries=[entry], given_up=None if resumed else entry, losses=0)
        GivingUp(scene.spec.retraining, scene.ledger, metrics, scene.notifier, scene.now).look(history)

    return lambda: of_trimtab(act)


def expected(after_days: int) -> Callable[[], Emitted]:
    """A drop that comes every 30 days came so long ago."""

    def act(metrics: EmfMetrics) -> None:
        scene = Scene()
        scene.ledger.append("drop.accepted", "d", {"kind": "data"}, scene.now, "test")
        data = DataSpec.model_validate(scene.spec.data.model_dump() | {"expected_every_days": 30})
        Arrivals(scene.ledger.entries(), scene.now + timedelta(days=after_days)).tell(data, metrics)

    return lambda: of_trimtab(act)


def asked(*outcomes: Outcome, asynchronous: bool = False) -> Callable[[], Emitted]:
    """Requests to the endpoint end so, as SageMaker's stand-in reports them."""

    def act() -> Emitted:
        cloud = EmittingCloud()
        metrics = InvocationMetrics(cloud, "here")  # type: ignore[arg-type]
        for outcome in outcomes:
            metrics.add(Target(ENDPOINT, "config", VARIANT, asynchronous), outcome)
        metrics.flush()
        return cloud.emitted

    return act


@dataclass
class Instance:
    """A variant whose one instance is this process."""

    config: dict[str, Any]
    name: str = VARIANT

    @property
    def serverless(self) -> Any:
        return self.config.get("ServerlessConfig")

    def process_ids(self) -> list[int]:
        return [os.getpid()]


def used(percent: float, config: dict[str, Any], taken: float = 0.0) -> Callable[[], Emitted]:
    """Instances are used so; whichever readings there are say the same."""

    def act() -> Emitted:
        cloud = EmittingCloud()
        fleet = SimpleNamespace(all_variants=[Instance(config)], taken=lambda _: taken)
        endpoint = SimpleNamespace(name=ENDPOINT, fleets=lambda: [fleet])
        utilization = Utilization(SimpleNamespace(cloud=cloud, name="here", endpoints={ENDPOINT: endpoint}))  # type: ignore[arg-type]
        utilization._processors._before[os.getpid()] = (time.monotonic() - 1, 0.0)
        utilization.flush()
        share = {"Percent": percent, "None": taken}
        return [(space, datum | {"Values": [share[datum["Unit"]]]}) for space, datum in cloud.emitted]

    return act


def queued(waiting: int, instances: int) -> Callable[[], Emitted]:
    """So many requests wait at an asynchronous endpoint with so many instances."""

    def act() -> Emitted:
        cloud = EmittingCloud()
        requests = SimpleNamespace(config={}, kept=lambda: list(range(waiting)))
        fleet = SimpleNamespace(variants={VARIANT: SimpleNamespace(desired_count=instances)})
        endpoint = SimpleNamespace(name=ENDPOINT, requests=requests, current=fleet)
        Backlog(SimpleNamespace(cloud=cloud, name="here", endpoints={ENDPOINT: endpoint})).flush()  # type: ignore[arg-type]
        return cloud.emitted

    return act


def executed(machine: str, status: str) -> Callable[[], Emitted]:
    """An execution of the machine ends so, as Step Functions' stand-in reports it."""

    def act() -> Emitted:
        from localcloud.stepfunctions import executions  # moto's parser takes seconds

        cloud, now = EmittingCloud(), datetime.now(UTC)
        told: Any = dict.fromkeys(("output", "error", "cause", "redrive_date", "map_run_arn", "region_name"))
        told |= {"state_machine_arn": machine, "exec_arn": f"{machine}:1", "status": status, "exec_status": status}
        told |= {"start_date": now, "stop_date": now, "name": "1", "execution_input": "{}", "redrive_count": 0}
        execution = SimpleNamespace(**told, history=SimpleNamespace(is_full=False), keep=lambda _: None)
        executions._report(cloud, execution)  # type: ignore[arg-type]
        return cloud.emitted

    return act


def delivered(queue: str, lost: int) -> Callable[[], Emitted]:
    """So many messages wait in the queue, as SQS' stand-in reports it."""

    def act() -> Emitted:
        from moto.sqs.models import sqs_backends

        backend, cloud = sqs_backends["123456789012"]["us-east-1"], EmittingCloud()
        made = backend.create_queue(queue)
        for _ in range(lost):
            backend.send_message(made.name, "lost", system_attributes={})
        try:
            QueueMetrics(cloud)._measure()  # type: ignore[arg-type]
        finally:
            backend.delete_queue(made.name)
        return cloud.emitted

    return act


def unsure(rows: dict[str, Any]) -> dict[str, Any]:
    """Scores all near a half: the model knows little of these rows."""
    return rows | {"x": 0.45 + 0.1 * rows["x"]}


def with_holes(rows: dict[str, Any]) -> dict[str, Any]:
    """One answer in ten is no number."""
    return rows | {"x": np.where(rows["row"] % 10 == 0, np.nan, rows["x"])}


def blind_to_one_kind(rows: dict[str, Any]) -> Any:
    """Truth in which rows of kind a have nothing to do with their scores."""
    return np.where(rows["kind"] == "a", np.random.default_rng(1).integers(0, 2, len(rows["x"])), truth_of(rows))


def in_another_unit(rows: dict[str, Any]) -> dict[str, Any]:
    """The number a thousandfold."""
    return rows | {"x": rows["x"] * 1000}


def moved(rows: dict[str, Any]) -> dict[str, Any]:
    """The number far from where it was, still within its range."""
    return rows | {"x": 0.6 + 0.4 * rows["x"]}


def same(rows: dict[str, Any]) -> dict[str, Any]:
    """Nothing."""
    return rows


def unchanged(look: Look) -> None:
    """All agrees."""


FINE, SLOW, STUCK, FAILED, REFUSED = (
    Outcome(200, 9_000, 1_000),
    Outcome(200, 900_000, 1_000),
    Outcome(200, 9_000_000, 1_000),
    Outcome(500, 9_000, 1_000),
    Outcome(422, 9_000, 1_000),
)
"""Status, and latencies in microseconds."""
