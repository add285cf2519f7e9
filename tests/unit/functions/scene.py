"""A model with a registered candidate, and everything a promotion touches, in memory."""

import hashlib
import importlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

from tests.endpoint_fakes import MemoryEndpoints
from tests.fakes import (
    NOON,
    HashSigner,
    MemoryAlarms,
    MemoryLedger,
    MemoryObjects,
    MemoryRegistry,
    RecordingMetrics,
    RecordingNotifier,
    fake_runtime,
)
from tests.judge_fakes import MemoryMeasurements
from tests.recording_fakes import MemoryLineage
from trimtab.authoring.contract import Contract
from trimtab.authoring.records import RequestRefused, check_media_types, read_records
from trimtab.entrypoint import Runtime
from trimtab.ledger.kinds import CANDIDATE_JUDGED
from trimtab.ports import Answer, Package
from trimtab.rollout.approval import manifest_digest
from trimtab.rollout.checking import Said
from trimtab.rollout.judge.evidence import RANKS
from trimtab.rollout.judge.sources import Sources
from trimtab.rollout.rollback_alarms import fleet_dimensions
from trimtab.rollout.staging import Probe
from trimtab.rollout.votes import AuditTrail
from trimtab.spec import RolloutSpec, Spec, parse_spec

SPEC = """\
name: tiny
data:
  id: row
  event_time: seen
  label: y
  columns:
    row: {type: integer}
    seen: {type: timestamp}
    x: {type: number, range: [0, 1]}
    kind: {type: string, domain: [a, b, c]}
    y: {type: integer, nullable: true}
training:
  entry_point: train.py
rollout: {bake_minutes: 10, percent: 20, min_requests: 50}
monitoring: {min_rows: 50}
retraining: {triggers: [drift, quality, truth], cooldown_hours: 6, daily_budget: 3}
"""
ENDPOINT = "trimtab-test-tiny"
STAGING = "trimtab-test-tiny-staging"


def tiny_spec(text: str = SPEC) -> Spec:
    return parse_spec(text)


def with_rollout(spec: Spec, **rollout: Any) -> Spec:
    """The spec with other settings of its rollout."""
    changed = RolloutSpec.model_validate(spec.rollout.model_dump() | rollout)
    return spec.model_copy(update={"rollout": changed})


def function(name: str) -> ModuleType:
    """The module of a function's handler."""
    return importlib.import_module(f"functions.{name}.handler")


def answer_with_x(version: int) -> Callable[[str, bytes], Answer]:
    """A model whose score is x, and that names its version."""

    contract = Contract.of_spec(tiny_spec().model_dump(mode="json"))

    def answer(endpoint: str, body: bytes) -> Answer:
        try:
            records = read_records(body, contract)
        except RequestRefused as refused:
            return Answer(refused.status, refused.message.encode(), 1.0)
        rows = [{"id": record["row"], "score": record["x"], "version": version} for record in records]
        return Answer(200, "".join(json.dumps(row) + "\n" for row in rows).encode(), 1.0)

    return answer


@dataclass
class Opinions:
    """The author's own functions, which agree with everything unless a test says otherwise."""

    against: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def ask(self, name: str, question: Mapping[str, Any]) -> Said:
        """What a test has the function say."""
        self.asked.append((name, str(question["phase"])))
        return Said(name, name not in self.against, self.against.get(name, ""))


@dataclass
class Scene:
    """One model; time is moved by the test."""

    spec: Spec = field(default_factory=tiny_spec)
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    endpoints: MemoryEndpoints = field(default_factory=MemoryEndpoints)
    alarms: MemoryAlarms = field(default_factory=MemoryAlarms)
    notifier: RecordingNotifier = field(default_factory=RecordingNotifier)
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)
    signer: HashSigner = field(default_factory=HashSigner)
    trail: AuditTrail | None = None
    """Who approved; the registry in memory knows by itself."""
    lineage: MemoryLineage = field(default_factory=MemoryLineage)
    measurements: MemoryMeasurements = field(default_factory=MemoryMeasurements)
    functions: Opinions = field(default_factory=lambda: Opinions())
    asked: bool = True
    """Whether both fleets are asked enough, and answer well, once traffic moves."""
    now: datetime = NOON

    @property
    def runtime(self) -> Runtime:
        parts = {"objects": self.objects, "ledger": self.ledger, "notifier": self.notifier, "metrics": self.metrics}
        return fake_runtime(self.spec, **parts)

    @property
    def probe(self) -> Probe:
        """The staging endpoint; nothing is waited for, and its memory is held."""
        return Probe(self._asked, time.monotonic, lambda _: None, lambda: [40.0] * 9)

    def _asked(self, body: bytes, content_type: str) -> Answer:
        try:
            check_media_types(content_type, None)
        except RequestRefused as refused:
            return Answer(refused.status, refused.message.encode(), 1.0)
        return self.endpoints.invoke(STAGING, body)

    def later(self, **amount: float) -> datetime:
        self.now += timedelta(**amount)
        return self.now

    def event(self, execution: str, **parts: Any) -> dict[str, Any]:
        return {"model": "tiny", "at": self.now.isoformat(), "execution": execution, **parts}

    def register(
        self, run: str = "run-1", submitted_by: str = "machine", artifact_body: bytes | None = None
    ) -> Package:
        """A candidate whose artifact, evaluation and golden records lie in S3, signed."""
        model = artifact_body or f"model of {run}".encode()
        artifact = f"s3://artifacts/tiny/runs/{run}/output/model.tar.gz"
        folder = f"s3://artifacts/tiny/runs/{run}/evaluation"
        sha256 = hashlib.sha256(model).hexdigest()
        metrics = {"candidate": {"auc": 0.8, "log_loss": None}}
        evaluation = json.dumps({"metrics": metrics, "run": run, "artifact_sha256": sha256}).encode()
        golden = [
            {"request": {"row": n, "x": n / 100, "kind": "a"}, "expected": {"id": n, "score": n / 100}}
            for n in range(60)
        ]
        self.objects.write(artifact, model)
        self.objects.write(f"{folder}/evaluation.json", evaluation)
        self.objects.write(f"{folder}/golden.jsonl", "".join(json.dumps(row) + "\n" for row in golden).encode())
        digests = {
            "run": run,
            "dataset": f"dataset-of-{run}",
            "artifact_sha256": sha256,
            "evaluation_sha256": hashlib.sha256(evaluation).hexdigest(),
            "code_sha256": "c" * 64,
        }
        signature = self.signer.sign(manifest_digest(ENDPOINT, digests))
        judged = {"passed": True, "outcome": "pass", "evaluation_sha256": digests["evaluation_sha256"]}
        self.ledger.append(CANDIDATE_JUDGED, run, judged, self.now, "judge_candidate")
        return self.registry.register(
            ENDPOINT,
            artifact_uri=artifact,
            image_uri="image",
            evaluation_uri=f"{folder}/evaluation.json",
            properties=digests | {"signature": signature, "submitted-by": submitted_by},
            description="",
            environment={},
            token=run,
        )


@dataclass
class PromotionRun:
    """The promotion machine, step by step, as its definition calls the functions."""

    scene: Scene
    execution: str
    state: dict[str, Any] = field(default_factory=dict)

    def call(self, name: str, act: str, ports: tuple[Any, ...], **parts: Any) -> Any:
        module = function(name)
        event_model = module.handler._model
        event = event_model.model_validate(self.scene.event(self.execution, **parts))
        return getattr(module, act)(event, self.scene.runtime, *ports)

    def check(self, package_arn: str) -> dict[str, Any]:
        ports = (self.scene.registry, self.scene.signer, self.scene.trail or self.scene.registry)
        self.state["promotion"] = self.call("check_approval", "check", ports, package_arn=package_arn)
        return dict(self.state["promotion"])

    def stage(self) -> dict[str, Any]:
        ports = (self.scene.endpoints, self.scene.registry)
        self.state["staging"] = self.call("deploy_staging", "deploy", ports, promotion=self.state["promotion"])
        return dict(self.state["staging"])

    def test(self) -> dict[str, Any]:
        kept = {key: self.state[key] for key in ("promotion", "staging")}
        return dict(self.call("test_staging", "try_out", (self.scene.probe, self.scene.registry), **kept))

    def plan(self) -> dict[str, Any]:
        ports = (self.scene.endpoints, self.scene.alarms, self.scene.registry, self.scene.functions)
        self.state["plan"] = self.call("plan_rollout", "plan", ports, promotion=self.state["promotion"])
        return dict(self.state["plan"])

    def start(self) -> None:
        """What the machine's own task does with the request."""
        request = self.state["plan"]["request"]
        act = self.scene.endpoints.create if self.state["plan"]["action"] == "create" else self.scene.endpoints.update
        act(request["EndpointName"], request["EndpointConfigName"])
        if self.scene.asked and self.state["plan"]["action"] == "update":
            measure_errors(self.scene, self.state["plan"], requests=100, errors=0, old=100, minutes=3)

    def watch(self) -> dict[str, Any]:
        kept = {key: self.state[key] for key in ("promotion", "plan", "started") if key in self.state}
        self.state["rollout"] = self.call("watch_rollout", "watch", self._looking, **kept)
        return dict(self.state["rollout"])

    @property
    def _looking(self) -> tuple[Any, ...]:
        scene = self.scene
        return scene.endpoints, scene.alarms, scene.registry, Sources(scene.measurements), scene.functions

    def shift(self, abandon: str = "") -> dict[str, Any]:
        kept = {key: self.state[key] for key in ("promotion", "plan")}
        told = dict(self.call("shift_traffic", "shift", self._looking, abandon=abandon, **kept))
        if told["next"] == "settled":
            self.state["rollout"] = told["rollout"]
        return told

    def confirm(self) -> dict[str, Any]:
        kept = {key: self.state[key] for key in ("promotion", "plan", "rollout")}
        ports = (self.scene.endpoints, self.scene.registry, self.scene.lineage)
        self.state["confirmation"] = self.call("confirm_serving", "confirm", ports, **kept)
        return dict(self.state["confirmation"])

    def publish(self) -> dict[str, Any]:
        kept = {key: self.state[key] for key in ("promotion", "confirmation")}
        module = function("publish_baseline")
        event = module.PublishBaselineEvent.model_validate(self.scene.event(self.execution, **kept))
        return dict(module.handler.call(event, self.scene.runtime))

    def close(self, outcome: str, reason: str = "because") -> dict[str, Any]:
        ports = (self.scene.endpoints, self.scene.alarms, self.scene.registry)
        kept = {"promotion": self.state.get("promotion"), "outcome": outcome, "reason": reason}
        return dict(self.call("close_promotion", "close", ports, **kept))

    def to_plan(self, package_arn: str) -> dict[str, Any]:
        """Everything up to the plan, on a staging endpoint that comes up at once."""
        self.check(package_arn)
        self.raise_until_ready()
        self.test()
        return self.plan()

    def raise_until_ready(self) -> None:
        from trimtab.errors import EndpointNotReady

        try:
            self.stage()
        except EndpointNotReady:
            self.scene.endpoints.settle(STAGING)
            self.stage()


def serve_first_version(scene: Scene) -> PromotionRun:
    """Version 1 is promoted to the end."""
    package = scene.register("run-1")
    scene.registry.approve(package.arn)
    scene.endpoints.answer = answer_with_x(1)
    run = PromotionRun(scene, "first")
    run.to_plan(package.arn)
    run.start()
    scene.endpoints.settle(ENDPOINT)
    run.watch()
    run.confirm()
    run.publish()
    run.close("Serving")
    scene.later(days=1)
    return run


def approved(scene: Scene, run: str = "run-2") -> str:
    package = scene.register(run)
    scene.registry.approve(package.arn)
    return package.arn


def kinds(scene: Scene) -> list[str]:
    return [entry.kind for entry in scene.ledger.entries()]


def moving(scene: Scene, execution: str = "second") -> PromotionRun:
    """Version 1 serves, and traffic is moving to version 2."""
    serve_first_version(scene)
    run = PromotionRun(scene, execution)
    run.to_plan(approved(scene))
    run.start()
    return run


def measure_errors(
    scene: Scene, plan: dict[str, Any], requests: int, errors: int, old: int = 1000, minutes: int = 1
) -> None:
    """What both fleets did in each of the next whole minutes, which pass; every request took 20 ms."""
    for _ in range(minutes):
        minute = scene.later(minutes=1)
        for config, counts in ((plan["config"], (requests, errors)), (plan["previous_config"], (old, 0))):
            measure(scene, fleet_dimensions(ENDPOINT, config), minute, *counts)
    scene.later(minutes=2)


def measure(scene: Scene, fleet: dict[str, str], minute: datetime, requests: int, errors: int) -> None:
    """A fleet's minute."""
    put = scene.measurements.measure
    put("Invocations", fleet, minute, requests)
    put("Invocation5XXErrors", fleet, minute, errors)
    put("ModelLatency", fleet, minute, requests, "SampleCount")
    for rank in RANKS:
        put("ModelLatency", fleet, minute, 20_000 + 10 * rank, f"p{rank}")
