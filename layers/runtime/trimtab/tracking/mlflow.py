"""MLflow, told by its REST API (version 2.0): no package of MLflow is needed.

Source: the REST API's reference of MLflow 3. Its limits: a batch has at most 1,000 items and 100 params, a param's
value 6,000 characters, a dataset's digest 36.
"""

import json
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from trimtab.errors import ServiceRefused
from trimtab.tracking.tracked import TrackedRun

API = "/api/2.0/mlflow"
CHAMPION = "champion"
RUN_TAG, VERSION_TAG = "trimtab.run", "trimtab.version"
_MOST_METRICS, _MOST_PARAMS, _LONGEST_PARAM, _LONGEST_DIGEST = 500, 100, 6000, 36
_PROXIED = "mlflow-artifacts:/"
_STATUS = {"Registered": "FINISHED", "Refused": "FINISHED", "NotReady": "KILLED", "Failed": "FAILED"}


class Missing(ServiceRefused):
    """Raised when the server knows of no such thing."""


class Exists(ServiceRefused):
    """Raised when there is one of that name already."""


class Server(Protocol):
    """A tracking server."""

    @property
    def address(self) -> str: ...

    def send(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        """The answer. Raises Missing, Exists or ServiceRefused."""
        ...


@dataclass(frozen=True)
class MlflowTracker:
    """Runs, datasets, reports and versions in MLflow."""

    server: Server
    experiment: str
    write: Callable[[str, bytes], None]
    """Puts bytes at an s3:// address: SageMaker's managed servers keep artifacts in a bucket of one's own."""

    def record(self, run: TrackedRun) -> str:
        experiment = self._experiment()
        found = self._find(experiment, run.name)
        if found is None:
            found = self._create(experiment, run)
        run_id = str(found["info"]["run_id"])
        if found["info"].get("status") == "RUNNING":
            self._fill(run_id, str(found["info"]["artifact_uri"]), run)
        if run.version is not None:
            self._register(run, run_id)
        return f"{self.server.address}/#/experiments/{experiment}/runs/{run_id}"

    def champion(self, model: str, run: str, version: int) -> str:
        held = self._versions(model, run)
        if not held:
            raise Missing(f"MLflow has no version of {model} that was trained by {run}")
        said = {"name": model, "alias": CHAMPION, "version": str(held[0]["version"])}
        self._post("registered-models/alias", said)
        return f"{self.server.address}/#/models/{model}/versions/{held[0]['version']}"

    def _experiment(self) -> str:
        named = urllib.parse.urlencode({"experiment_name": self.experiment})
        try:
            found = self.server.send("GET", f"{API}/experiments/get-by-name?{named}")["experiment"]
        except Missing:
            return str(self._post("experiments/create", {"name": self.experiment})["experiment_id"])
        return str(found["experiment_id"])

    def _find(self, experiment: str, name: str) -> dict[str, Any] | None:
        asked = {"experiment_ids": [experiment], "filter": f"tags.`{RUN_TAG}` = '{name}'", "max_results": 1}
        found = self._post("runs/search", asked).get("runs") or []
        return dict(found[0]) if found else None

    def _create(self, experiment: str, run: TrackedRun) -> dict[str, Any]:
        tags = {RUN_TAG: run.name, "trimtab.outcome": run.outcome, **run.tags}
        asked = {
            "experiment_id": experiment,
            "run_name": run.name,
            "start_time": _ms(run.started),
            "tags": _pairs(tags),
        }
        return dict(self._post("runs/create", asked)["run"])

    def _fill(self, run_id: str, artifacts: str, run: TrackedRun) -> None:
        """Everything about the run; its end comes last, so that a run that was cut off is filled again."""
        for batch in _batches(run):
            self._post("runs/log-batch", {"run_id": run_id, **batch})
        if run.dataset:
            self._post("runs/log-inputs", {"run_id": run_id, "datasets": [_dataset(run)]})
        for name, body in run.files.items():
            self._upload(artifacts, name, body)
        status = _STATUS.get(run.outcome, "FAILED")
        self._post("runs/update", {"run_id": run_id, "status": status, "end_time": _ms(run.ended)})

    def _upload(self, artifacts: str, name: str, body: bytes) -> None:
        """Through the server, or straight into the bucket that it names."""
        if artifacts.startswith("s3://"):
            self.write(f"{artifacts}/{name}", body)
        elif artifacts.startswith(_PROXIED):
            path = urllib.parse.quote(f"{artifacts.removeprefix(_PROXIED).lstrip('/')}/{name}")
            self.server.send("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", body)
        else:
            raise ServiceRefused(f"MLflow keeps artifacts at {artifacts}, which only the server itself can write to")

    def _register(self, run: TrackedRun, run_id: str) -> None:
        try:
            self._post("registered-models/create", {"name": run.model})
        except Exists:
            if self._versions(run.model, run.name):
                return
        tags = {RUN_TAG: run.name, VERSION_TAG: str(run.version)}
        asked = {"name": run.model, "source": run.artifact_uri, "run_id": run_id, "tags": _pairs(tags)}
        self._post("model-versions/create", asked)

    def _versions(self, model: str, run: str) -> list[dict[str, Any]]:
        asked = urllib.parse.urlencode({"filter": f"name = '{model}' AND tags.`{RUN_TAG}` = '{run}'"})
        return list(self.server.send("GET", f"{API}/model-versions/search?{asked}").get("model_versions") or [])

    def _post(self, path: str, said: Mapping[str, Any]) -> dict[str, Any]:
        return self.server.send("POST", f"{API}/{path}", json.dumps(said).encode())


def _batches(run: TrackedRun) -> Iterator[dict[str, Any]]:
    at = _ms(run.ended)
    params = [{"key": key, "value": value[:_LONGEST_PARAM]} for key, value in run.params.items()]
    metrics = [{"key": key, "value": value, "timestamp": at, "step": 0} for key, value in run.metrics.items()]
    for start in range(0, len(params), _MOST_PARAMS):
        yield {"params": params[start : start + _MOST_PARAMS]}
    for start in range(0, len(metrics), _MOST_METRICS):
        yield {"metrics": metrics[start : start + _MOST_METRICS]}


def _dataset(run: TrackedRun) -> dict[str, Any]:
    source = json.dumps({"uri": run.dataset_uri})
    dataset = {"name": run.model, "digest": run.dataset[:_LONGEST_DIGEST], "source_type": "s3", "source": source}
    return {"tags": [{"key": "mlflow.data.context", "value": "training"}], "dataset": dataset}


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
