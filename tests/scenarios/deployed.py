"""The deployed app with versions that wait for approval, people of every kind, and callers that never stop."""

import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from cli import packages
from cli.stage import Stage
from demo.broken import colleague
from demo.traffic import SteadyLoad
from tests.fixtures.models.tiny import data
from tests.local.conftest import ROOT, LocalCloud, wait_until
from tests.local.loop_support import FIXTURE, PREFIX, Ended, Loop, deploy, deploy_model, environment
from tests.local.people_support import Person, person
from trimtab.ports import Entry
from trimtab.rollout.progress import newest

SPEED = 30
ROLLOUT = {
    "strategy": "stepped",
    "steps": [{"percent": 50, "gate": "manual"}, 100],
    "bake_minutes": 4,
    "min_requests": 20,
    "instance_count": 2,
    "judge": {"required": ["errors", "error_limit"]},
}
APPROVAL = {"approvers": 2, "busy": "queue"}
MACHINE = f"arn:aws:states:us-east-1:123456789012:stateMachine:{PREFIX}-promotion"


@dataclass
class Deployed:
    """One deployed model, and those who have to do with it."""

    loop: Loop
    folder: Path
    approvers: tuple[Person, Person]
    chiefs: tuple[Person, Person]
    stage: Stage = field(default_factory=Stage)

    def successor(self) -> int:
        """A new version that waits for approval: the first one's artifact with a line more, so that it is another."""
        first = self.stage.objects.read(packages.find(self.stage, "tiny", 1).artifact_uri)
        copies = len(self.loop.versions())
        path = self.folder / f"copy-{copies}.tar.gz"
        path.write_bytes(with_a_line(first, f"\n# copy {copies}\n"))
        return packages.register(self._builder, "tiny", path, 1).version

    @property
    def _builder(self) -> Stage:
        found = self.__dict__.get("builder")
        if found is None:
            found = self.__dict__["builder"] = colleague(self.stage)
        return found

    def approve(self, version: int, *more: str, by: tuple[Person, ...] = ()) -> None:
        """Each of them turns the switch, one after the other: the first vote is counted before the second is given."""
        for number, one in enumerate(by or self.approvers, start=1):
            one.trimtab("approve", "tiny", str(version), *more)
            if number == 1:
                ended = self.ended()
                assert ended.state == "Pending", ended

    def redeploy(self, **sections: Any) -> None:
        """The model's stack is as its spec with these sections says."""
        rewrite(self.folder / "tiny", sections)
        deploy_model(self.loop.cloud, str(self.folder / "tiny"))

    def status(self, version: int) -> tuple[str, str]:
        """What the registry says of the version, and the reason that was given for it."""
        found = self.loop.sagemaker.describe_model_package(ModelPackageName=self.arn(version))
        return found["ModelApprovalStatus"], found.get("ApprovalDescription", "")

    def entries(self, kind: str = "") -> list[Entry]:
        return self.stage.ledger("tiny").entries(kind)

    def phase(self, version: int) -> str:
        """Where the version's promotion is; empty before it was let in."""
        told = newest(self.entries(), version)
        if told is None:
            return ""
        from cli.rollout_watch import Watched

        return Watched(self.stage, "tiny", version).progress().phase

    def until(self, version: int, phase: str, seconds: float = 600) -> None:
        wait_until(lambda: self.phase(version) == phase, seconds, lambda: f"{self.phase(version)}, not {phase}")

    def release(self) -> None:
        """One of those who approve opens the gate."""
        told = self.approvers[0].trimtab("rollout", "release", "tiny", "--reason", "no complaint")
        assert told["outcome"] == "Released"

    def start(self, arn: str) -> None:
        """The event of an approval is delivered once more."""
        told = {"model": "tiny", "package_arn": arn, "at": self.loop.cloud.now()}
        self.loop.states.start_execution(stateMachineArn=MACHINE, input=json.dumps(told))

    def ended(self, seconds: float = 600) -> Ended:
        """The oldest promotion that has ended and was not looked at yet; others may still be under way."""

        def look() -> dict[str, Any] | None:
            seen = self.loop._seen["promotion"]
            over = [each for each in self.loop.executions("promotion") if each["status"] != "RUNNING"]
            fresh = [each for each in over if each["executionArn"] not in seen]
            return min(fresh, key=lambda each: each["stopDate"], default=None)

        found = wait_until(look, seconds, lambda: "no promotion ended")
        self.loop._seen["promotion"].add(found["executionArn"])
        return self.loop._ended(found["executionArn"])

    def config(self) -> str:
        return str(self.loop.endpoint()["EndpointConfigName"])

    def arn(self, version: int) -> str:
        return packages.find(self.stage, "tiny", version).arn

    @contextmanager
    def callers(self) -> Iterator[SteadyLoad]:
        """Requests that go on until the block ends."""
        table = pq.read_table(self.folder / "pumps_2026-01.parquet")
        with SteadyLoad(self.loop.runtime, PREFIX, table, per_second=20) as made:
            yield made


def with_a_line(artifact: bytes, line: str) -> bytes:
    """The same model.tar.gz, its inference code longer by a comment."""
    built = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(artifact)) as source, tarfile.open(fileobj=built, mode="w:gz") as target:
        for member in source.getmembers():
            content = source.extractfile(member)
            body = content.read() if content else b""
            if member.name.removeprefix("./") == "code/inference.py":
                body += line.encode()
                member.size = len(body)
            target.addfile(member, io.BytesIO(body))
    return built.getvalue()


def rewrite(model: Path, sections: dict[str, Any]) -> None:
    """The model's spec has these sections in place of its own."""
    spec: dict[str, Any] = yaml.safe_load((model / "model.yaml").read_text())
    (model / "model.yaml").write_text(yaml.safe_dump(spec | sections))


@contextmanager
def deployed(cloud: LocalCloud, folder: Path) -> Iterator[Deployed]:
    """Version 1 of the fixture model serves, by the approval of two people."""
    model = folder / "tiny"
    shutil.copytree(ROOT / FIXTURE, model, ignore=shutil.ignore_patterns("__pycache__"))
    rewrite(model, {"rollout": ROLLOUT, "approval": APPROVAL})
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(cloud).items():
            patched.setenv(name, value)
        deploy(cloud, cloud.state_dir, str(model))
        cloud.set_speed(SPEED)
        made = Deployed(Loop(cloud), folder, _two(cloud, "Approver"), _two(cloud, "EmergencyApprover"))
        body = data.write_labelled(1, folder).read_bytes()
        assert made.loop.drop("january.parquet", body).state == "Accepted"
        assert made.loop.next("training", 600).state == "Registered"
        made.approve(1)
        assert made.ended().state == "Serving"
        yield made
        cloud.set_speed(1)


def _two(cloud: LocalCloud, policy: str) -> tuple[Person, Person]:
    """Two people with that policy and no other."""
    return person(cloud, policy), person(cloud, policy)
