"""An asynchronous endpoint, deployed: it is promoted and rolled back while requests wait, and sleeps with none.

The steps build on each other: a failure makes those after it fail too.
"""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli import packages
from cli.stage import Stage
from demo import broken
from tests.fixtures.models.tiny import data
from tests.local.conftest import ROOT, LocalCloud, own_cloud, wait_until
from tests.local.loop_support import FIXTURE, PREFIX, Loop, deploy, environment
from tests.local.people_support import person
from tests.scenarios.deployed import rewrite, with_a_line
from trimtab.ports import Package

__all__ = ["own_cloud"]

SPEED = 30
SPEED_OF_REST = 120
ROLLOUT = {
    "strategy": "canary",
    "percent": 50,
    "bake_minutes": 8,
    "min_requests": 20,
    "instance_count": 2,
    "judge": {"required": ["error_limit"]},  # an old fleet at rest answers nothing to compare with
    "endpoint": {"kind": "async", "autoscaling": {"max_count": 3, "to_zero": True, "scale_in_minutes": 1}},
}
BETWEEN_S = 0.1
"""20 requests a virtual minute at most: half of them must be well over ``min_requests`` before the bake's end."""


@dataclass
class Askers:
    """Requests by the queue, and the places where their answers have to come."""

    loop: Loop
    line: bytes
    expected: list[tuple[str, str]] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> None:
        """One more request waits."""
        bucket = self.loop.data["CapturesBucket"]
        key = f"tiny/async/requests/{len(self.expected)}.jsonl"
        self.loop.s3.put_object(Bucket=bucket, Key=key, Body=self.line)
        asked = self.loop.runtime.invoke_endpoint_async(
            EndpointName=PREFIX, InputLocation=f"s3://{bucket}/{key}", ContentType="application/jsonlines"
        )
        self.expected.append((asked["OutputLocation"], asked.get("FailureLocation", "")))

    def _go_on(self) -> None:
        while not self._stopping.wait(BETWEEN_S):
            self.ask()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Requests keep coming until the block ends."""
        self._stopping.clear()
        asker = threading.Thread(target=self._go_on)
        asker.start()
        try:
            yield
        finally:
            self._stopping.set()
            asker.join()

    def answers(self) -> tuple[list[dict[str, Any]], int]:
        """First lines of all answers, once every request has one, and how many failed."""
        found: dict[str, bytes] = {}

        def complete() -> bool:
            for places in self.expected:
                for place in places:
                    if place and place not in found and (body := self._read(place)) is not None:
                        found[place] = body
            return len(found) >= len(self.expected)

        wait_until(complete, 180, lambda: f"{len(found)} of {len(self.expected)} are answered")
        answered = [json.loads(found[good].splitlines()[0]) for good, _ in self.expected if good in found]
        return answered, len(self.expected) - len(answered)

    def _read(self, place: str) -> bytes | None:
        bucket, _, key = place.removeprefix("s3://").partition("/")
        try:
            return bytes(self.loop.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pumps")


@pytest.fixture(scope="module")
def loop(own_cloud: LocalCloud, folder: Path) -> Iterator[Loop]:
    """Version 1 serves asynchronously."""
    model = folder / "tiny"
    shutil.copytree(ROOT / FIXTURE, model, ignore=shutil.ignore_patterns("__pycache__"))
    rewrite(model, {"rollout": ROLLOUT})
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(own_cloud).items():
            patched.setenv(name, value)
        deploy(own_cloud, own_cloud.state_dir, str(model))
        own_cloud.set_speed(SPEED)
        made = Loop(own_cloud)
        assert made.drop("january.parquet", data.write_labelled(1, folder).read_bytes()).state == "Accepted"
        assert made.next("training", 600).state == "Registered"
        made.approve(made.versions()[0]["ModelPackageArn"])
        assert made.next("promotion", 600).state == "Serving"
        yield made
        own_cloud.set_speed(1)


@pytest.fixture(scope="module")
def builder(loop: Loop) -> Stage:
    """Whoever makes versions, and so may not approve them."""
    return broken.colleague(Stage())


def askers(loop: Loop) -> Askers:
    """With one record of February and a column that the contract does not know, which a broken version chokes on."""
    row = json.loads(data.month(2, rows=1).drop(columns=[data.LABEL]).to_json(orient="records", date_format="iso"))[0]
    return Askers(loop, json.dumps(row | {"caller": "gauge"}).encode() + b"\n")


def instances(loop: Loop) -> int:
    return int(loop.endpoint()["ProductionVariants"][0]["DesiredInstanceCount"])


def at_rest(loop: Loop) -> bool:
    """Nothing waits, and no instance is paid for."""
    return instances(loop) == 0 and loop.endpoint()["EndpointStatus"] == "InService"


def rests(loop: Loop) -> None:
    """The endpoint is at rest; the minutes until then pass faster."""
    loop.cloud.set_speed(SPEED_OF_REST)
    wait_until(lambda: at_rest(loop), 180, lambda: f"{instances(loop)} instances")
    loop.cloud.set_speed(SPEED)


def evidence(entry_kind: str) -> dict[str, Any]:
    found: dict[str, Any] = Stage().ledger("tiny").entries(entry_kind)[-1].data["evidence"]
    return found


def copy_of_the_first(folder: Path, builder: Stage, name: str) -> Package:
    """A sound new version that waits for approval: the first one's artifact with a line more."""
    stage, artifact = Stage(), folder / f"{name}.tar.gz"
    first = stage.objects.read(packages.find(stage, "tiny", 1).artifact_uri)
    artifact.write_bytes(with_a_line(first, f"\n# {name}\n"))
    return packages.register(builder, "tiny", artifact, 1)


def test_an_endpoint_without_requests_has_no_instance_and_the_first_request_wakes_it(loop: Loop) -> None:
    proof = evidence("rollout.serving")
    assert (proof["status"], proof["carried"]["missing"]) == (200, [])
    rests(loop)
    first = askers(loop)
    first.ask()
    (answer,), failed = first.answers()
    assert (answer["version"], failed) == (1, 0)
    assert instances(loop) >= 1


def test_a_version_is_promoted_from_rest_and_every_request_is_answered(
    loop: Loop, folder: Path, builder: Stage
) -> None:
    second = copy_of_the_first(folder, builder, "copy")
    rests(loop)
    callers = askers(loop)
    with callers.asking():
        loop.approve(second.arn)
        promotion = loop.next("promotion", 600)
    assert promotion.state == "Serving", promotion
    answers, failed = callers.answers()
    assert failed == 0
    assert {answer["version"] for answer in answers} == {1, 2}
    assert evidence("rollout.serving")["status"] == 200
    print(f"\npromotion: {len(answers)} requests by the queue, {failed} failed")


def test_a_version_that_fails_is_rolled_back_by_its_own_numbers(loop: Loop, folder: Path, builder: Stage) -> None:
    stage = Stage()
    artifact = folder / "broken.tar.gz"
    artifact.write_bytes(broken.with_bug(stage.objects.read(packages.find(stage, "tiny", 2).artifact_uri)))
    package = packages.register(builder, "tiny", artifact, 2)
    callers = askers(loop)
    with callers.asking():
        loop.approve(package.arn)
        promotion = loop.next("promotion", 600)
    assert promotion.state == "RolledBack", promotion
    answers, failed = callers.answers()
    assert 0 < failed < len(answers)
    assert loop.endpoint()["EndpointConfigName"].startswith(f"{PREFIX}-v2-")
    print(f"\nbroken: {failed} of {len(answers) + failed} requests by the queue failed")


def test_one_command_brings_the_earlier_version_back_from_rest_and_loses_no_request(loop: Loop) -> None:
    rests(loop)
    callers = askers(loop)
    with callers.asking():
        done = person(loop.cloud, "Rollback").trimtab("rollback", "tiny", "--reason", "the scenario's test")
    assert (done["outcome"], done["from_version"], done["to_version"]) == ("Restored", 2, 1)
    answers, failed = callers.answers()
    assert failed == 0
    assert answers[-1]["version"] == 1
    assert evidence("rollback.done")["request"]["status"] == 200


def test_a_version_whose_rollout_begins_while_nobody_asks_starts_its_own_instances_and_is_promoted(
    loop: Loop, folder: Path, builder: Stage
) -> None:
    fourth = copy_of_the_first(folder, builder, "another")
    rests(loop)
    callers = askers(loop)
    loop.approve(fourth.arn)
    wait_until(lambda: "PendingDeploymentSummary" in loop.endpoint(), 300, lambda: str(loop.endpoint()))
    assert instances(loop) == 0
    with callers.asking():
        promotion = loop.next("promotion", 600)
    assert promotion.state == "Serving", promotion
    answers, failed = callers.answers()
    assert failed == 0
    assert {answer["version"] for answer in answers} == {fourth.version}
    assert evidence("rollout.serving")["status"] == 200
    print(f"\nfrom no instance: {len(answers)} requests by the queue, {failed} failed")
