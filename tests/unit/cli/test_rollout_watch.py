"""`trimtab rollout status`, `watch` and `abort` on a ledger that goes on while they look."""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
import typer
from botocore.stub import Stubber

from cli import rollout_watch
from cli.errors import CommandError
from cli.stage import Stage
from tests.fakes import MemoryLedger, MemoryObjects
from tests.unit.functions.scene import ENDPOINT, PromotionRun, Scene, approved, serve_first_version

ACCESS = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}


@dataclass
class Onward:
    """A ledger in which something happens between two looks."""

    ledger: MemoryLedger
    acts: list[Callable[[], Any]] = field(default_factory=list)

    def entries(self, kind_prefix: str = "", subject: str | None = None) -> Sequence[Any]:
        found = self.ledger.entries(kind_prefix, subject)
        if self.acts:
            self.acts.pop(0)()
        return found


class Described:
    """SageMaker, as far as it describes endpoints."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        live = self._scene.endpoints.describe(EndpointName)
        assert live is not None
        return {"EndpointName": live.name, "EndpointStatus": live.status, "EndpointConfigName": live.config}


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    serve_first_version(made)
    return made


@pytest.fixture
def onward(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Onward:
    """The stage that the commands see."""
    made = Onward(scene.ledger)
    objects: MemoryObjects = scene.objects
    monkeypatch.setattr(Stage, "ledger", lambda _stage, _model: made)
    monkeypatch.setattr(Stage, "data", {"ArtifactsBucket": "artifacts"})
    monkeypatch.setattr(Stage, "objects", objects)
    monkeypatch.setattr(Stage, "client", lambda _stage, _service: Described(scene))
    monkeypatch.setattr(rollout_watch.time, "sleep", lambda _seconds: None)
    return made


def second(scene: Scene) -> PromotionRun:
    """Version 2 is approved and its traffic begins to move."""
    run = PromotionRun(scene, "second")
    run.to_plan(approved(scene))
    run.start()
    return run


def watched(capsys: pytest.CaptureFixture[str], version: int = 0) -> tuple[int, list[dict[str, Any]]]:
    """Exit status, and what was printed for programs."""
    with pytest.raises(typer.Exit) as ended:
        rollout_watch.watch("tiny", version, every=1, stage="test", as_json=True)
    return ended.value.exit_code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def settled(scene: Scene, run: PromotionRun, outcome: str) -> Iterator[Callable[[], Any]]:
    """What the machine does, act after act."""
    back = scene.endpoints.roll_back if outcome == "RolledBack" else scene.endpoints.settle
    yield lambda: back(ENDPOINT)
    yield run.watch
    yield run.confirm
    yield lambda: run.close(outcome)


@pytest.mark.parametrize(("outcome", "status"), [("Serving", 0), ("RolledBack", 3)])
def test_watching_tells_every_change_once_and_ends_with_the_outcomes_status(
    scene: Scene, onward: Onward, capsys: pytest.CaptureFixture[str], outcome: str, status: int
) -> None:
    run = second(scene)
    onward.acts = [lambda: None, lambda: None, *settled(scene, run, outcome)]
    code, told = watched(capsys)
    assert (code, told[-1]["outcome"]) == (status, outcome)
    assert told[0]["phase"] == "Moving"
    assert len(told) < 7, "what has not changed is not said again"
    assert all(one != other for one, other in itertools.pairwise(told))


def test_an_earlier_version_is_told_of_at_once(
    scene: Scene, onward: Onward, capsys: pytest.CaptureFixture[str]
) -> None:
    second(scene)
    code, told = watched(capsys, version=1)
    assert (code, len(told), told[0]["version"]) == (0, 1, 1)


def test_nothing_to_watch_is_told_with_the_command_that_begins_it(onward: Onward) -> None:
    with pytest.raises(CommandError, match="no promotion of version 7 of tiny was let in: approve one"):
        rollout_watch.watch("tiny", 7)


def test_aborting_rejects_the_version_that_is_on_its_way_with_the_reason(
    scene: Scene, onward: Onward, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arn = second(scene).state["promotion"]["package_arn"]
    sagemaker = boto3.client("sagemaker", **ACCESS)
    monkeypatch.setattr(Stage, "client", lambda _stage, _service: sagemaker)
    with Stubber(sagemaker) as stub:
        said = {"ModelPackageArn": arn, "ModelApprovalStatus": "Rejected", "ApprovalDescription": "calls came in"}
        stub.add_response("update_model_package", {"ModelPackageArn": arn}, said)
        rollout_watch.abort("tiny", reason="calls came in", as_json=True)
        stub.assert_no_pending_responses()
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["status"], told["reason"]) == (2, "Rejected", "calls came in")


def test_what_has_ended_is_not_aborted_and_a_reason_is_asked_for(onward: Onward) -> None:
    with pytest.raises(CommandError, match=r"nothing of tiny is being rolled out; .*trimtab rollback"):
        rollout_watch.abort("tiny", reason="calls came in")
    with pytest.raises(CommandError, match="--reason"):
        rollout_watch.abort("tiny", reason=" ")
