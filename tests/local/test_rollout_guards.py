"""Trimtab's requests, alarms and judgement on the local cloud's SageMaker and CloudWatch."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from tests.unit.functions.scene import ENDPOINT, PromotionRun, Scene, function, tiny_spec, with_rollout
from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.measurements import CloudWatchMeasurements
from trimtab.aws.objects import S3ObjectStore
from trimtab.entrypoint import Runtime
from trimtab.errors import RolloutInProgress
from trimtab.monitoring.tables import read_records
from trimtab.ports import EndpointState

from .conftest import LocalCloud, wait_until
from .sagemaker_support import IMAGE, Studio, archive

SERVING = """
import json, os

def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.json")) as file:
        return json.load(file)

def transform_fn(model, body, content_type, accept):
    if model["broken"]:
        raise RuntimeError("the model is broken")
    text = body.decode() if isinstance(body, bytes) else body
    version = int(os.environ["TRIMTAB_VERSION"])
    records = [json.loads(line) for line in text.splitlines()]
    rows = [{"id": each["row"], "score": each["x"], "version": version} for each in records]
    return "".join(json.dumps(row) + "\\n" for row in rows), "application/jsonlines"
"""


@dataclass
class CloudScene(Scene):
    """A scene whose endpoints, alarms, artifacts and captures are the local cloud's."""

    cloud: LocalCloud = field(kw_only=True)
    role: str = field(kw_only=True)

    @property
    def runtime(self) -> Runtime:
        made = super().runtime
        settings = made.settings.model_copy(update={"execution_role_arn": self.role})
        found = replace(made, settings=settings)
        found.__dict__["spec"] = self.spec
        return found

    def look_at_the_clock(self) -> None:
        self.now = datetime.fromisoformat(self.cloud.now())

    def candidate(self, run: str, *, broken: bool = False) -> str:
        """ARN of an approved package."""
        self.look_at_the_clock()
        body = archive({"model.json": json.dumps({"broken": broken}), "code/inference.py": SERVING})
        package = replace(self.register(run, artifact_body=body), created=self.now, image_uri=IMAGE)
        self.registry.put(package)
        return self.registry.approve(package.arn).arn

    def live(self) -> EndpointState | None:
        return self.endpoints.describe(ENDPOINT)

    def started(self, run: str, *, broken: bool = False) -> PromotionRun:
        """A promotion whose update the cloud carries out; staging is left out."""
        promotion = PromotionRun(self, run)
        assert promotion.check(self.candidate(run, broken=broken))["outcome"] == "Approved"
        plan = promotion.plan()
        sagemaker = self.cloud.client("sagemaker")
        act = sagemaker.create_endpoint if plan["action"] == "create" else sagemaker.update_endpoint
        act(**plan["request"])
        return promotion

    def ended(self, promotion: PromotionRun, seconds: float = 60) -> dict[str, Any]:
        """The confirmation, once watch_rollout does not ask to be called again."""

        def watched() -> dict[str, Any] | None:
            self.look_at_the_clock()
            try:
                return promotion.watch()
            except RolloutInProgress:
                return None

        wait_until(watched, seconds, lambda: f"not settled: {self.live()}")
        self.look_at_the_clock()
        confirmation = promotion.confirm()
        promotion.close(confirmation["outcome"])
        return confirmation


class Requests(threading.Thread):
    """Keeps asking production, and counts by status and version what came back."""

    def __init__(self, endpoints: SageMakerEndpoints) -> None:
        super().__init__(daemon=True)
        self._endpoints, self._ending = endpoints, threading.Event()
        self.answers: Counter[str] = Counter()

    def run(self) -> None:
        """Asks until the block ends."""
        while not self._ending.wait(0.03):
            answer = self._endpoints.invoke(ENDPOINT, b'{"row": 1, "x": 0.5, "kind": "a"}\n')
            named = json.loads(answer.body)["version"] if answer.status == 200 else f"HTTP {answer.status}"
            self.answers[str(named)] += 1

    def __enter__(self) -> "Requests":
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ending.set()
        self.join()


@pytest.fixture(scope="module")
def scene(own_cloud: LocalCloud) -> Iterator[CloudScene]:
    """Version 1 serves."""
    studio = Studio(own_cloud)
    for bucket in ("artifacts", "captures"):
        own_cloud.client("s3").create_bucket(Bucket=bucket)
    made = CloudScene(cloud=own_cloud, role=studio.role, spec=tiny_spec())
    sagemaker, runtime = own_cloud.client("sagemaker"), own_cloud.client("sagemaker-runtime")
    made.objects = S3ObjectStore(own_cloud.client("s3"))  # type: ignore[assignment]
    made.endpoints = SageMakerEndpoints(sagemaker, runtime)  # type: ignore[assignment]
    made.alarms = CloudWatchAlarms(own_cloud.client("cloudwatch"))  # type: ignore[assignment]
    made.measurements = CloudWatchMeasurements(own_cloud.client("cloudwatch"))  # type: ignore[assignment]
    assert made.ended(made.started("run-1"))["outcome"] == "Serving"
    yield made
    made.endpoints.delete(ENDPOINT)


@pytest.fixture
def requests(scene: CloudScene) -> Iterator[Requests]:
    with Requests(SageMakerEndpoints(None, scene.cloud.client("sagemaker-runtime"))) as made:
        yield made


def test_a_version_that_errs_rings_its_alarm_by_evaluation_and_is_told_as_rolled_back(
    scene: CloudScene, requests: Requests
) -> None:
    promotion = scene.started("run-broken", broken=True)
    plan = promotion.state["plan"]
    wait_until(lambda: requests.answers["HTTP 500"] >= 5, 60)
    errors = plan["alarms"][0]
    scene.cloud.advance(60)
    wait_until(lambda: scene.alarms.states([errors])[errors] == "ALARM", 30)
    confirmation = scene.ended(promotion)
    assert confirmation["outcome"] == "RolledBack"
    assert f"alarm {errors} rings" in confirmation["reason"]
    live = scene.live()
    assert live is not None
    assert (live.status, live.config) == ("InService", plan["previous_config"])
    assert scene.alarms.states(plan["alarms"]) == {}


def test_a_withdrawn_approval_throws_the_stop_switch_and_traffic_returns(scene: CloudScene, requests: Requests) -> None:
    promotion = scene.started("run-withdrawn")
    plan = promotion.state["plan"]
    version = str(promotion.state["promotion"]["version"])
    wait_until(lambda: requests.answers[version] >= 3, 60)
    scene.registry.reject(promotion.state["promotion"]["package_arn"], "changed my mind")
    confirmation = scene.ended(promotion)
    assert confirmation["outcome"] == "RolledBack"
    assert "no longer approved" in confirmation["reason"]
    live = scene.live()
    assert live is not None
    assert live.config == plan["previous_config"]
    assert not any(answer.startswith("HTTP") for answer in requests.answers)


def test_a_good_version_is_compared_with_the_old_one_and_serves(scene: CloudScene, requests: Requests) -> None:
    scene.spec = with_rollout(tiny_spec(), percent=50, bake_minutes=5)
    scene.cloud.set_speed(12)  # so that a busy machine, too, asks fifty times of each fleet within four minutes
    promotion = scene.started("run-good")
    version = str(promotion.state["promotion"]["version"])
    confirmation = scene.ended(promotion, seconds=180)
    scene.cloud.set_speed(1)
    assert (confirmation["outcome"], confirmation["version"]) == ("Serving", int(version)), confirmation["reason"]
    assert [entry.data["percent"] for entry in scene.ledger.entries("rollout.shifted", "run-good")] == [50, 100]
    verdict = promotion.state["rollout"]["verdict"]
    assert verdict["outcome"] == "pass"
    errors = next(check for check in verdict["checks"] if check["rule"] == "errors")
    assert errors["n_new"] >= scene.spec.rollout.min_requests
    assert errors["n_old"] > 0
    evidence = scene.ledger.entries("rollout.serving")[-1].data["evidence"]
    assert json.loads(evidence["answer"])["version"] == int(version)
    assert not any(answer.startswith("HTTP") for answer in requests.answers)


def test_every_captured_request_is_in_exactly_one_window(scene: CloudScene) -> None:
    scene.look_at_the_clock()
    module = function("collect_window")

    asked = list(range(1_000_000, 1_000_025))

    def collected() -> list[int]:
        """Those of the asked rows that windows hold, with repetition; other tests' traffic may still be coming in."""
        scene.look_at_the_clock()
        module.handler.call(module.handler._model.model_validate(scene.event("")), scene.runtime)
        windows = [entry.data["uri"] for entry in scene.ledger.entries("window.collected")]
        rows = [row for uri in windows for row in read_records(scene.objects, uri, ["row"]).column("row").to_pylist()]
        return sorted(row for row in rows if row in asked)

    for row in asked:
        assert scene.endpoints.invoke(ENDPOINT, b'{"row": %d, "x": 0.5, "kind": "b"}\n' % row).status == 200
    wait_until(lambda: len(collected()) >= len(asked), 30)
    assert collected() == asked
    newest = scene.ledger.entries("window.collected")[-1]
    champion = scene.ledger.state("champion")
    assert champion is not None
    assert newest.data["version"] == champion["version"]
