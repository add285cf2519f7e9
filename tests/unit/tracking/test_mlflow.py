"""What MLflow is told; that a real server takes it is in tests/clients."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.credentials import Credentials

from trimtab.aws.mlflow import tracking_server
from trimtab.errors import ServiceRefused
from trimtab.tracking.http import HttpServer
from trimtab.tracking.mlflow import Exists, Missing, MlflowTracker
from trimtab.tracking.tracked import TrackedRun

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MANAGED = "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/team"


def run(**changes: Any) -> TrackedRun:
    said: dict[str, Any] = {
        "name": "run-1",
        "model": "tiny",
        "outcome": "Registered",
        "reason": "",
        "started": NOON,
        "ended": NOON + timedelta(minutes=3),
        "params": {f"p{n}": "v" for n in range(150)},
        "metrics": {"auc": 0.8},
        "dataset": "d" * 64,
        "files": {"card.html": b"card"},
        "version": 3,
        "artifact_uri": "s3://a/model.tar.gz",
    }
    return TrackedRun(**(said | changes))


@dataclass
class Recorded:
    """A server that says that it has nothing yet."""

    artifacts: str = "mlflow-artifacts:/1/r/artifacts"
    has_model: bool = False
    address: str = "http://tracking"
    sent: list[tuple[str, str, Any]] = field(default_factory=list)

    def send(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        said = json.loads(body) if body and method == "POST" else body
        self.sent.append((method, path.removeprefix("/api/2.0/mlflow/").partition("?")[0], said))
        if "get-by-name" in path:
            raise Missing("no such experiment")
        if path.endswith("registered-models/create") and self.has_model:
            raise Exists("there is one")
        info = {"run_id": "r", "artifact_uri": self.artifacts, "status": "RUNNING"}
        return {"experiment_id": "1", "run": {"info": info}}

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.sent]


def test_a_run_is_told_whole_and_ended_last() -> None:
    server = Recorded()
    MlflowTracker(server, "tiny", lambda uri, body: None).record(run())
    assert server.paths() == [
        "experiments/get-by-name",
        "experiments/create",
        "runs/search",
        "runs/create",
        "runs/log-batch",
        "runs/log-batch",
        "runs/log-batch",
        "runs/log-inputs",
        "/api/2.0/mlflow-artifacts/artifacts/1/r/artifacts/card.html",
        "runs/update",
        "registered-models/create",
        "model-versions/create",
    ]
    said = {path: body for _, path, body in server.sent}
    assert said["runs/update"] == {
        "run_id": "r",
        "status": "FINISHED",
        "end_time": int((NOON + timedelta(minutes=3)).timestamp() * 1000),
    }
    assert len(said["runs/log-inputs"]["datasets"][0]["dataset"]["digest"]) == 36


def test_a_refused_run_is_no_version() -> None:
    server = Recorded()
    MlflowTracker(server, "tiny", lambda uri, body: None).record(run(outcome="Refused", version=None))
    assert not [path for path in server.paths() if "model" in path and "artifacts" not in path]


def test_reports_go_straight_into_a_bucket_that_the_server_names() -> None:
    written: dict[str, bytes] = {}
    MlflowTracker(Recorded("s3://tracking/1/r"), "tiny", written.__setitem__).record(run())
    assert written == {"s3://tracking/1/r/card.html": b"card"}


def test_reports_that_only_the_server_can_write_are_refused_in_words() -> None:
    with pytest.raises(ServiceRefused, match="only the server itself"):
        MlflowTracker(Recorded("/srv/mlruns"), "tiny", lambda uri, body: None).record(run())


def test_a_champion_that_mlflow_does_not_know_is_refused_in_words() -> None:
    with pytest.raises(ServiceRefused, match="no version of tiny"):
        MlflowTracker(Recorded(), "tiny", lambda uri, body: None).champion("tiny", "run-1", 3)


def test_nobody_answering_is_a_refusal() -> None:
    with pytest.raises(ServiceRefused, match="does not answer"):
        HttpServer("http://127.0.0.1:9").send("GET", "/")


def test_a_managed_server_is_asked_with_a_signature_and_its_arn() -> None:
    server = tracking_server(MANAGED, Credentials("AKIA", "secret"))
    assert server.address == "https://eu-west-1.experiments.sagemaker.aws"
    headers = server.sign("POST", f"{server.address}/api", b"{}", {"Content-Type": "application/json"})
    assert headers["x-mlflow-sm-tracking-server-arn"] == MANAGED
    assert "/eu-west-1/sagemaker-mlflow/aws4_request" in headers["Authorization"]
    assert "x-mlflow-sm-tracking-server-arn" in headers["Authorization"], "the header is signed too"
