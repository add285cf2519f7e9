"""track_run as EventBridge calls it, for runs of every kind."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.track_run.handler import TrackRunEvent, track, trackers
from tests.fakes import NOON, MemoryLedger, fake_runtime
from tests.fixtures import tiny
from tests.unit.evaluation.test_gates import report
from trimtab.entrypoint import Runtime
from trimtab.errors import ServiceRefused
from trimtab.spec import TrackingSpec
from trimtab.tracking.tracked import TrackedRun

RUN = "trimtab-test-tiny-1"
EVALUATION = f"s3://artifacts/tiny/runs/{RUN}/evaluation/evaluation.json"


@dataclass
class Remembering:
    """A tracker in memory."""

    runs: list[TrackedRun] = field(default_factory=list)
    champions: list[tuple[str, str, int]] = field(default_factory=list)

    def record(self, run: TrackedRun) -> str:
        self.runs.append(run)
        return "there"

    def champion(self, model: str, run: str, version: int) -> str:
        self.champions.append((model, run, version))
        return "there too"


class Refusing(Remembering):
    def record(self, run: TrackedRun) -> str:
        raise ServiceRefused("nobody answers")


@pytest.fixture
def runtime() -> Runtime:
    return fake_runtime(tiny.SPEC)


def ran(runtime: Runtime, outcome: str, *, registered: bool) -> None:
    """The ledger of a run that got as far as its judgement."""
    ledger = runtime.ledger
    ledger.append("training.leased", RUN, {"execution": "e1", "cause": "person", "reason": "asked"}, NOON, "t")
    ledger.append("dataset.built", RUN, {"dataset": "d" * 64, "manifest_uri": "s3://a/m.json"}, NOON, "t")
    runtime.objects.write(EVALUATION, json.dumps(report()).encode())
    ledger.append("candidate.judged", RUN, {"evaluation_uri": EVALUATION}, NOON, "t")
    if registered:
        said = {"version": 3, "artifact_uri": "s3://a/model.tar.gz", "properties": {"code_sha256": "c" * 64}}
        runtime.objects.write(f"s3://artifacts/tiny/records/{RUN}/model_card.html", b"card")
        ledger.append("candidate.registered", RUN, said, NOON, "t")
    ledger.append("training.released", RUN, {"outcome": outcome, "reason": "because"}, NOON, "t")


def event(execution: str = "e1") -> TrackRunEvent:
    return TrackRunEvent.model_validate({"model": "tiny", "at": NOON, "execution": execution})


def test_a_registered_run_is_told_with_all_there_is(runtime: Runtime) -> None:
    ran(runtime, "Registered", registered=True)
    kept = Remembering()
    track(event(), runtime, {"mlflow": kept})
    (run,) = kept.runs
    assert (run.name, run.outcome, run.version, run.dataset) == (RUN, "Registered", 3, "d" * 64)
    assert run.params["max_depth"] == "6"
    assert run.metrics["auc"] == 0.7
    assert run.metrics["auc.lo"] == pytest.approx(0.68)
    assert run.tags["trimtab.code_sha256"] == "c" * 64
    assert set(run.files) == {"evaluation.json", "model_card.html"}


def test_a_refused_run_is_told_too_without_a_version(runtime: Runtime) -> None:
    ran(runtime, "Refused", registered=False)
    kept = Remembering()
    track(event(), runtime, {"mlflow": kept})
    assert (kept.runs[0].outcome, kept.runs[0].version) == ("Refused", None)


def test_a_retry_tells_nothing_twice(runtime: Runtime) -> None:
    ran(runtime, "Registered", registered=True)
    kept = Remembering()
    assert track(event(), runtime, {"mlflow": kept}) == track(event(), runtime, {"mlflow": kept})
    assert len(kept.runs) == 1


def test_a_tracker_that_refuses_is_noted_and_the_others_are_told(runtime: Runtime) -> None:
    ran(runtime, "Registered", registered=True)
    kept = Remembering()
    track(event(), runtime, {"mlflow": Refusing(), "wandb": kept})
    (entry,) = runtime.ledger.entries("run.tracked")
    assert entry.data["trackers"] == {"mlflow": "not tracked: nobody answers", "wandb": "there"}
    assert len(kept.runs) == 1


def test_the_champion_follows_what_serves(runtime: Runtime) -> None:
    champion = {"run": RUN, "version": 3}
    runtime.ledger.append("rollout.serving", "p1", {"champion": champion}, NOON, "t")
    kept = Remembering()
    track(event("p1"), runtime, {"mlflow": kept})
    track(event("p1"), runtime, {"mlflow": kept})
    assert kept.champions == [("tiny", RUN, 3)]


def test_the_champion_goes_back_with_a_rollback(runtime: Runtime) -> None:
    for kind, subject, version in (("rollout.serving", "p1", 3), ("rollback.done", "r1", 2)):
        champion = {"run": f"run-{version}", "version": version}
        runtime.ledger.append(kind, subject, {"champion": champion}, NOON, "t")
    kept = Remembering()
    track(event("p1"), runtime, {"mlflow": kept})
    track(event("r1"), runtime, {"mlflow": kept})
    assert kept.champions == [("tiny", "run-3", 3), ("tiny", "run-2", 2)]


def test_an_execution_that_only_waited_is_no_run(runtime: Runtime) -> None:
    assert track(event("queued"), runtime, {"mlflow": Remembering()}) == {}
    assert isinstance(runtime.ledger, MemoryLedger)
    assert runtime.ledger.rows == []


def with_tracking(**tracking: Any) -> Runtime:
    return fake_runtime(tiny.SPEC.model_copy(update={"tracking": TrackingSpec(**tracking)}))


def test_the_trackers_are_those_of_the_spec_in_this_stage() -> None:
    assert trackers(with_tracking()) == {}
    assert set(trackers(with_tracking(mlflow="http://tracking", wandb="pumps"))) == {"mlflow", "wandb"}
    assert set(trackers(with_tracking(mlflow={"prod": "http://tracking"}))) == set()
