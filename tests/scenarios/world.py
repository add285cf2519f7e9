"""Production under traffic on the local cloud, and promotions of successors to it, as the machine makes them."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.local.conftest import LocalCloud, wait_until
from tests.local.sagemaker_support import IMAGE, Studio
from tests.local.test_rollout_guards import CloudScene
from tests.scenarios.crowd import CLIENTS, Crowd
from tests.scenarios.successors import Successor
from tests.unit.functions.scene import ENDPOINT, PromotionRun, function, tiny_spec, with_rollout
from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.aws.captured_answers import CapturedTraffic
from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.lineage import SageMakerLineage
from trimtab.aws.measurements import PATIENCE, CloudWatchMeasurements
from trimtab.aws.objects import S3ObjectStore
from trimtab.aws.surroundings import AwsSurroundings
from trimtab.errors import PlanError, RolloutInProgress
from trimtab.rollout.judge.sources import Sources
from trimtab.rollout.judge.verdict import Judgement
from trimtab.rollout.looking import NEWEST
from trimtab.rollout.progress import newest

SPEED = 12
LOOK_EVERY = timedelta(seconds=20)
"""Of virtual time."""
RETRIES = 20
AROUND = ("sagemaker", "cloudwatch", "kms")
ROLLOUT: dict[str, Any] = {"strategy": "canary", "percent": 50, "bake_minutes": 10}


class Promoted(PromotionRun):
    """A promotion that is judged by captured answers too."""

    @property
    def _looking(self) -> tuple[Any, ...]:
        scene, runtime = self.scene, self.scene.runtime
        captures = CapturedTraffic(runtime.objects, f"{runtime.capture()}/capture", runtime.spec.data)
        return scene.endpoints, scene.alarms, scene.registry, Sources(scene.measurements, captures), scene.functions


@dataclass(frozen=True)
class Ended:
    """What became of a promotion, and what it cost."""

    outcome: str
    reason: str
    minutes: float
    """From the first share of traffic, or from the start where there was none, to the settled end; virtual time."""
    seconds: float
    """Of real time, from the start."""
    asked: int
    failed: int
    shifted: tuple[int, ...] = ()
    shares: dict[int, float] = field(default_factory=dict)
    """Per cent that the new version answered of the requests between the first and the last look at each step."""

    @property
    def per_second(self) -> float:
        """Requests in a second of real time."""
        return self.asked / self.seconds


@dataclass
class World:
    """One endpoint in production."""

    scene: CloudScene
    interfere: Callable[[PromotionRun], None] | None = None
    """Called at every look, for faults in the midst of a rollout."""
    struck: list[str] = field(default_factory=list)
    """Errors of AWS's that ended a look; the machine looks again then."""
    _runs: int = 0
    _crowd: Crowd | None = None
    _seen: dict[int, tuple[Counter[str], Counter[str]]] = field(default_factory=dict)
    """By step, answers so far after the first look that saw it, and before the last one."""

    def promote(
        self,
        successor: Successor,
        *,
        clients: int = CLIENTS,
        per_second: float = 0,
        at_least: int = 0,
        seconds: float = 240,
        **rollout: Any,
    ) -> Ended:
        """The end of a promotion under the traffic of so many clients, who then go on until ``at_least`` requests."""
        self.scene.spec = with_rollout(tiny_spec(), **(ROLLOUT | rollout))
        self._seen.clear()
        with Crowd(self.scene.cloud, ENDPOINT, clients, per_second) as self._crowd:
            crowd, began = self._crowd, time.monotonic()
            promotion, started = self.begin(successor)
            confirmation = self.end(promotion, seconds)
            ended = self.scene.now
            wait_until(lambda: sum(crowd.answers.values()) >= at_least, seconds)
            took = time.monotonic() - began
        answers = crowd.answers
        shifts = self.scene.ledger.entries("rollout.shifted", promotion.execution)
        since = min([datetime.fromisoformat(shift.data["at"]) for shift in shifts], default=started)
        return Ended(
            confirmation["outcome"],
            confirmation["reason"],
            minutes=(ended - since).total_seconds() / 60,
            seconds=took,
            asked=sum(answers.values()),
            failed=sum(count for name, count in answers.items() if name.startswith("failed")),
            shifted=tuple(shift.data["percent"] for shift in shifts),
            shares=self._shares(str(promotion.state["promotion"]["version"])),
        )

    def _shares(self, version: str) -> dict[int, float]:
        steps = {step: ended - began for step, (began, ended) in self._seen.items()}
        return {step: 100 * got[version] / sum(got.values()) for step, got in steps.items() if got}

    def begin(self, successor: Successor) -> tuple[PromotionRun, datetime]:
        """A promotion whose traffic begins to move, and its moment; staging is left out."""
        promotion = self.planned(successor)
        if not promotion.state["plan"]["conducted"]:
            self._hand_over(promotion)
        return promotion, self.scene.now

    def _hand_over(self, promotion: PromotionRun) -> None:
        """SageMaker carries the rest out."""
        plan, sagemaker = promotion.state["plan"], self.scene.cloud.client("sagemaker")
        act = sagemaker.create_endpoint if plan["action"] == "create" else sagemaker.update_endpoint
        act(**plan["request"])
        promotion.state["handed_over"] = True

    def planned(self, successor: Successor) -> PromotionRun:
        """A promotion that has been approved and planned; one that cannot be planned is closed."""
        self._runs += 1
        run = f"run-{self._runs}"
        self.scene.look_at_the_clock()
        package = self.scene.register(run, artifact_body=successor.artifact())
        self.scene.objects.write(f"s3://artifacts/tiny/runs/{run}/evaluation/golden.jsonl", successor.golden())
        self.scene.registry.put(replace(package, created=self.scene.now, image_uri=IMAGE))
        promotion = Promoted(self.scene, run)
        approved = self.scene.registry.approve(package.arn)
        assert promotion.check(approved.arn)["outcome"] == "Approved"
        try:
            promotion.plan()
        except PlanError as error:
            promotion.close("Refused", str(error))
            raise
        return promotion

    def reconciled(self) -> dict[str, str]:
        """The commands that help, by the disagreement's name; there are no alarms of a stack, and no signing key."""
        self.scene.look_at_the_clock()
        module = function("reconcile_serving")
        sagemaker, cloudwatch, kms = (self.scene.cloud.client(name) for name in AROUND)
        event = module.ReconcileServingEvent.model_validate(self.scene.event("look"))
        around = AwsSurroundings(sagemaker, cloudwatch, kms, None)
        found = module.reconcile(event, self.scene.runtime, self.scene.endpoints, self.scene.registry, around)["found"]
        return {each["name"]: each["command"] for each in found if not each["name"].startswith(("alarm-", "key-"))}

    def judgement(self) -> Judgement:
        """The newest look at the promotion that was let in last."""
        told = newest(self.scene.ledger.entries())
        assert told is not None
        uri = self.scene.runtime.artifact("rollouts", told.promotion.tag, NEWEST)
        return Judgement.from_json(json.loads(self.scene.objects.read(uri)))

    def delete_production(self) -> None:
        """Somebody deletes the endpoint by hand, as soon as SageMaker lets them."""
        self.scene.cloud.client("sagemaker").delete_endpoint(EndpointName=ENDPOINT)

    def end(self, promotion: PromotionRun, seconds: float = 240) -> dict[str, Any]:
        """The confirmation, after as many looks as it took."""
        looked = self.scene.now - LOOK_EVERY

        def watched() -> bool:
            nonlocal looked
            self.scene.look_at_the_clock()
            if self.scene.now < looked + LOOK_EVERY:
                return False
            looked = self.scene.now
            return self._look(promotion)

        wait_until(watched, seconds, lambda: f"not settled: {self.scene.live()}, {self.struck[-3:]}")
        self.scene.look_at_the_clock()
        if broken := promotion.state.get("ended"):
            self._retried(lambda: promotion.close(*broken))
            return {"outcome": broken[0], "reason": broken[1]}
        confirmation = self._retried(promotion.confirm)
        self._retried(lambda: promotion.close(confirmation["outcome"]))
        return confirmation

    def _retried(self, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The answer of a step of the machine, which retries what AWS did not answer."""
        for _ in range(RETRIES):
            try:
                return act()
            except (ClientError, BotoCoreError) as error:
                self.struck.append(str(error))
        return act()

    def _look(self, promotion: PromotionRun) -> bool:
        """Whether the promotion has settled."""
        if self.interfere:
            self.interfere(promotion)
        before = self._crowd.answers if self._crowd else Counter[str]()
        try:
            settled = self._moved(promotion)
        except RolloutInProgress:
            settled = False
        except (ClientError, BotoCoreError) as error:
            self.struck.append(str(error))
            return False
        self._count(promotion, before)
        return settled

    def _moved(self, promotion: PromotionRun) -> bool:
        """One look of the machine's: by Trimtab's own steps, or at SageMaker's update."""
        if promotion.state.get("handed_over"):
            promotion.watch()
            return True
        told = self._shifted(promotion)
        if told["next"] == "move":
            self._hand_over(promotion)
        if told["next"] == "shadowed":
            promotion.state["ended"] = ("Shadowed", told["reason"])
        if told["next"] != "look" and (why := promotion.state.get("abandoned")):
            promotion.state["ended"] = ("Failed", why)
        return told["next"] in ("settled", "shadowed")

    def _shifted(self, promotion: PromotionRun) -> dict[str, Any]:
        """One step of Trimtab's own; one that fails has the machine take traffic back, without further looks."""
        abandoned = promotion.state.get("abandoned", "")
        try:
            return promotion.shift(abandoned)
        except (ClientError, BotoCoreError) as error:
            if abandoned:
                raise
            promotion.state["abandoned"] = str(error)
            return {"next": "look"}

    def _count(self, promotion: PromotionRun, before: Counter[str]) -> None:
        """A look takes its time, in which traffic may move on: the step began before it ended, and lasted until it."""
        shifts = self.scene.ledger.entries("rollout.shifted", promotion.execution)
        if shifts and self._crowd:
            percent = int(shifts[-1].data["percent"])
            began, _ = self._seen.get(percent, (self._crowd.answers, before))
            self._seen[percent] = (began, before)


PATIENT = Config(retries={"mode": "standard", "max_attempts": 6})


def patient(cloud: LocalCloud, service: str, patience: Config = PATIENT) -> Any:
    """A client that tries as often as those of Trimtab's functions."""
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=cloud.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=patience,
    )


@contextmanager
def production(cloud: LocalCloud, first: Successor) -> Iterator[World]:
    """``first`` serves; time runs fast until the end."""
    studio = Studio(cloud)
    for bucket in ("artifacts", "captures"):
        cloud.client("s3").create_bucket(Bucket=bucket)
    scene = CloudScene(cloud=cloud, role=studio.role, spec=with_rollout(tiny_spec(), **ROLLOUT))
    scene.objects = S3ObjectStore(cloud.client("s3"))  # type: ignore[assignment]
    runtime = cloud.client("sagemaker-runtime")
    scene.lineage = SageMakerLineage(patient(cloud, "sagemaker"))  # type: ignore[assignment]
    scene.endpoints = SageMakerEndpoints(patient(cloud, "sagemaker"), runtime)  # type: ignore[assignment]
    scene.alarms = CloudWatchAlarms(patient(cloud, "cloudwatch"))  # type: ignore[assignment]
    scene.measurements = CloudWatchMeasurements(patient(cloud, "cloudwatch", PATIENCE))  # type: ignore[assignment]
    world = World(scene)
    promotion, _ = world.begin(first)
    assert world.end(promotion)["outcome"] == "Serving"
    cloud.set_speed(SPEED)
    yield world
    cloud.set_speed(1)
