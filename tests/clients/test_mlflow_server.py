"""A real MLflow server takes what Trimtab tells it, and MLflow's client finds it there."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from trimtab.errors import ServiceRefused
from trimtab.spec import TrackingSpec
from trimtab.tracking.http import HttpServer
from trimtab.tracking.mlflow import Missing, MlflowTracker
from trimtab.tracking.tracked import TrackedRun

from ..local.conftest import wait_until
from ..unit.functions.scene import ENDPOINT, PromotionRun, Scene, approved, function, serve_first_version, tiny_spec
from .conftest import Client
from .environments import environment

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
START_SECONDS = 240
RUN = TrackedRun(
    name="trimtab-dev-tiny-1",
    model="tiny",
    outcome="Registered",
    reason="all gates passed",
    started=NOON,
    ended=NOON + timedelta(minutes=3),
    params={"max_depth": "6"},
    metrics={"auc": 0.8},
    dataset="d" * 64,
    dataset_uri="s3://artifacts/tiny/datasets/d/manifest.json",
    files={"model_card.html": b"<h1>card</h1>"},
    version=3,
    artifact_uri="s3://artifacts/tiny/runs/r/output/model.tar.gz",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    options = ["--port", str(port), "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/runs.db"]
    command = [str(environment("mlflow_server") / "mlflow"), "server", *options, "--artifacts-destination", str(folder)]
    with Path(folder, "log").open("wb") as log:
        settings = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # seven processes that nobody asks
        process = subprocess.Popen(command, cwd=folder, env=settings, stdout=log, stderr=log, start_new_session=True)
    made = HttpServer(f"http://127.0.0.1:{port}")
    try:
        wait_until(lambda: answers(made), START_SECONDS, lambda: Path(folder, "log").read_text())
        yield made
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # its workers too
        process.wait(60)


def answers(server: HttpServer) -> bool:
    try:
        server.send("GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=none")
    except Missing:
        return True
    except ServiceRefused:
        return False
    return True


def test_a_run_its_dataset_and_its_champion_are_found_by_mlflows_own_client(
    server: HttpServer, client: Callable[[str], Client]
) -> None:
    tracker = MlflowTracker(server, "trimtab-dev-tiny", lambda uri, body: None)
    assert tracker.record(RUN) == tracker.record(RUN), "recording it again changes nothing"
    tracker.champion("tiny", RUN.name, 3)
    found = client("mlflow_server").script("mlflow_reads.py", server.address, "trimtab-dev-tiny", "tiny")
    assert (found["runs"], found["versions"], found["status"]) == (1, 1, "FINISHED")
    assert (found["params"], found["metrics"]) == ({"max_depth": "6"}, {"auc": 0.8})
    assert found["digest"] == "d" * 36
    assert found["artifacts"] == ["model_card.html"]
    assert found["champion"] == [RUN.artifact_uri, "3", True]


def trained(scene: Scene, run: str, version: int) -> None:
    """The ledger of a run that registered this version, and what track_run makes of the end of its execution."""
    scene.ledger.append("training.leased", run, {"execution": f"train-{run}"}, scene.now, "lease_training")
    said = {"version": version, "artifact_uri": f"s3://artifacts/tiny/runs/{run}/output/model.tar.gz"}
    scene.ledger.append("candidate.registered", run, said, scene.now, "register_candidate")
    ended = {"outcome": "Registered", "reason": "all gates passed"}
    scene.ledger.append("training.released", run, ended, scene.now, "release_training")
    assert track(scene, f"train-{run}")["trackers"]["mlflow"].startswith("http://")


def track(scene: Scene, execution: str) -> dict[str, Any]:
    """As EventBridge calls it when an execution of either machine has ended."""
    module = function("track_run")
    return dict(module.handler.call(module.TrackRunEvent.model_validate(scene.event(execution)), scene.runtime))


def test_the_alias_champion_is_on_whatever_version_was_confirmed_to_serve(
    server: HttpServer, client: Callable[[str], Client]
) -> None:
    spec = tiny_spec().model_copy(update={"tracking": TrackingSpec(mlflow=server.address, experiment="by-machine")})
    scene = Scene(spec=spec)

    def champion() -> list[Any]:
        found = client("mlflow_server").script("mlflow_reads.py", server.address, "by-machine", spec.name)["champion"]
        return list(found)

    trained(scene, "run-1", 1)
    serve_first_version(scene)
    track(scene, "first")
    assert champion() == ["s3://artifacts/tiny/runs/run-1/output/model.tar.gz", "1", True]

    trained(scene, "run-2", 2)
    second = PromotionRun(scene, "second")
    second.to_plan(approved(scene))
    second.start()
    assert track(scene, "second") == {}, "nothing serves yet"
    scene.endpoints.roll_back(ENDPOINT)
    second.watch()
    assert second.confirm()["outcome"] == "RolledBack"
    second.close("RolledBack")
    track(scene, "second")
    assert champion()[1] == "1", "what was rolled back is no champion"

    trained(scene, "run-3", 3)
    third = PromotionRun(scene, "third")
    third.to_plan(approved(scene, "run-3"))
    third.start()
    scene.endpoints.settle(ENDPOINT)
    third.watch()
    assert third.confirm()["outcome"] == "Serving"
    track(scene, "third")
    assert champion()[1] == "3"
