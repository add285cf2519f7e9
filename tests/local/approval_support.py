"""People, a registry, CloudTrail, a ledger and events on the local cloud; the promotion machine is played by hand."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.ledger_tables import make_ledger_table
from tests.unit.functions.scene import ENDPOINT, PromotionRun, Scene, answer_with_x
from trimtab.aws.audit_trail import EventHistory
from trimtab.aws.ledger_table import LedgerTable
from trimtab.aws.registry import SageMakerRegistry
from trimtab.aws.signing import KmsSigner
from trimtab.errors import ApprovalWithdrawn, ApproverUnknown, RolloutInProgress
from trimtab.rollout.rollback_alarms import STOP
from trimtab.rollout.trail import KeptTrail
from trimtab.rollout.votes import SKIP

from .conftest import LocalCloud
from .events_support import Queue, Stage, unique

VERSIONS = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{ENDPOINT}/*"
TURNING = {
    "Effect": "Allow",
    "Action": ["sagemaker:UpdateModelPackage", "sagemaker:DescribeModelPackage"],
    "Resource": VERSIONS,
}
STEPS = ("stage", "test", "plan", "start", "watch")
_LOOKS = 30


def table(cloud: LocalCloud) -> str:
    """The name of a new table for a ledger."""
    return make_ledger_table(cloud.client("dynamodb"), unique("ledger"))


@dataclass(frozen=True)
class Person:
    """An IAM user who may turn versions."""

    arn: str
    sagemaker: Any

    def turn(self, package_arn: str, status: str = "Approved", reason: str = "", skips: str = "") -> None:
        """The version has that status, or IAM refuses."""
        said: dict[str, Any] = {"ApprovalDescription": reason} if reason else {}
        if skips:
            said["CustomerMetadataProperties"] = {SKIP: skips}
        self.sagemaker.update_model_package(ModelPackageArn=package_arn, ModelApprovalStatus=status, **said)


@dataclass
class Office(Scene):
    """A scene whose registry, signatures, ledger, events and identities are the local cloud's."""

    cloud: LocalCloud = field(kw_only=True)
    events: Queue = field(kw_only=True)

    def look_at_the_clock(self) -> None:
        self.now = datetime.fromisoformat(self.cloud.now())

    def person(self, name: str, *more: dict[str, Any]) -> Person:
        """A new user; ``more`` are statements of their policy besides."""
        iam, user = self.cloud.client("iam"), unique(name)
        arn = iam.create_user(UserName=user)["User"]["Arn"]
        document = json.dumps({"Version": "2012-10-17", "Statement": [TURNING, *more]})
        iam.put_user_policy(UserName=user, PolicyName="approver", PolicyDocument=document)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        client = self.cloud.client("sagemaker", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
        return Person(arn, client)

    def candidate(self, run: str, submitted_by: str = "machine") -> str:
        self.look_at_the_clock()
        return self.register(unique(run), submitted_by=submitted_by).arn

    def approvals(self, count: int) -> list[str]:
        """The versions that the next ``count`` events call Approved; what starts executions."""
        return [body["detail"]["ModelPackageArn"] for body in self.events.bodies(count)]


def office(cloud: LocalCloud, spec: Any) -> Office:
    """Nothing serves yet."""
    stage, sagemaker = Stage(cloud), cloud.client("sagemaker")
    queue = stage.queue()
    approved = {"ModelPackageGroupName": [ENDPOINT], "ModelApprovalStatus": ["Approved"]}
    kind = ["SageMaker Model Package State Change"]
    stage.rule({"source": ["aws.sagemaker"], "detail-type": kind, "detail": approved}, Arn=queue.arn)
    made = Office(spec=spec, cloud=cloud, events=queue)
    key = cloud.client("kms").create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["KeyId"]
    made.signer = KmsSigner(cloud.client("kms"), key)  # type: ignore[assignment]
    made.registry = SageMakerRegistry(sagemaker)  # type: ignore[assignment]
    made.ledger = LedgerTable(cloud.client("dynamodb"), table(cloud), "tiny")  # type: ignore[assignment]
    made.trail = KeptTrail(EventHistory(cloud.client("cloudtrail")), made.ledger, time.monotonic)
    return made


@dataclass
class Execution:
    """One execution of the promotion machine: its steps, in the order of its definition."""

    office: Office
    name: str
    before: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What happens just before a step."""
    rollouts: int = 0
    """How often it has told production to move."""
    next: dict[str, Any] | None = None
    """The approval that it announces at its end."""

    def run(self, arn: str) -> str:
        """How it ended."""
        self.office.look_at_the_clock()
        run = self.promotion = PromotionRun(self.office, self.name)
        try:
            found = run.check(arn)
        except ApproverUnknown:
            return "ApproverUnknown"
        if found["outcome"] in ("Pending", "Duplicate"):
            return str(found["outcome"])
        if found["outcome"] != "Approved":
            return self._close(found["outcome"], found["reason"])
        try:
            return self._roll_out(run)
        except ApprovalWithdrawn as withdrawn:
            return self._close("Refused", str(withdrawn))

    def _roll_out(self, run: PromotionRun) -> str:
        self.office.endpoints.answer = answer_with_x(run.state["promotion"]["version"])
        for step in STEPS[:-1]:
            self.before.get(step, lambda: None)()
            answer = {"stage": run.raise_until_ready, "test": run.test, "plan": run.plan, "start": run.start}[step]()
            if step == "test" and answer is not None and not answer["passed"]:
                return self._close("Refused", answer["reason"])
        self.rollouts += 1
        self.before.get("watch", lambda: None)()
        self._watch(run)
        outcome = run.confirm()["outcome"]
        if outcome == "Serving":
            run.publish()
        return self._close(outcome, "")

    def _watch(self, run: PromotionRun) -> None:
        for _ in range(_LOOKS):
            try:
                if run.watch().get("settled", True):
                    return
            except RolloutInProgress:
                pass
            self._settle()
        raise AssertionError(f"{self.name} does not settle: {self.office.endpoints.describe(ENDPOINT)}")

    def _settle(self) -> None:
        """What SageMaker does next: forward, or back when a rollback alarm rings."""
        live = self.office.endpoints.describe(ENDPOINT)
        if live is None or live.status == "InService":
            return
        stop = [name for name, state in self.office.alarms.state.items() if name.endswith(STOP) and state == "ALARM"]
        if stop:
            self.office.endpoints.roll_back(ENDPOINT, "alarm")
        else:
            self.office.endpoints.settle(ENDPOINT)

    def _close(self, outcome: str, reason: str) -> str:
        self.next = self.promotion.close(outcome, reason)["next"]
        return outcome
