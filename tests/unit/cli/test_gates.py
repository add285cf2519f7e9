"""Gates of a candidate on the command line, registered or refused."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli import gates, packages
from cli.errors import CommandError
from tests.fakes import NOON, MemoryLedger, MemoryRegistry
from tests.unit.evaluation.test_gates import RULES, report, with_champion
from trimtab.evaluation.gates import judge
from trimtab.ledger.kinds import CANDIDATE_JUDGED
from trimtab.names import ModelNames


@dataclass
class MemoryStage:
    """A stage whose ledger and registry are in memory."""

    name: str = "dev"
    held: MemoryLedger = field(default_factory=lambda: MemoryLedger("tiny"))
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)

    def ledger(self, model: str) -> MemoryLedger:
        return self.held

    def names(self, model: str) -> ModelNames:
        return ModelNames(self.name, model)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> MemoryStage:
    """Run-1 passed and became version 1; run-2 was refused."""
    made = MemoryStage()
    for run, found in (("run-1", report()), ("run-2", with_champion(-0.03))):
        made.held.append(CANDIDATE_JUDGED, run, judge(found, RULES, "s3://e").to_json(), NOON, "judge_candidate")
    made.registry.register(
        "trimtab-dev-tiny",
        artifact_uri="s3://a",
        image_uri="image",
        evaluation_uri="s3://e",
        properties={"run": "run-1"},
        description="",
        environment={},
        token="run-1",
    )
    made.held.append("candidate.registered", "run-1", {"version": 1}, NOON, "register_candidate")
    monkeypatch.setattr(gates, "Stage", lambda name: made)
    monkeypatch.setattr(packages, "_registry", lambda stage: made.registry)
    return made


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_every_gate_of_a_version_is_printed_with_its_evidence(
    stage: MemoryStage, capsys: pytest.CaptureFixture[str]
) -> None:
    gates.print_gates("tiny", "1")
    text = printed(capsys)
    for gate in judge(report(), RULES, "s3://e").gates:
        assert gate.name in text
    assert "0.68 to 0.72" in text
    assert "run-1: pass, policy 1" in text


def test_a_refused_run_has_no_version_and_its_gates_are_printed_all_the_same(
    stage: MemoryStage, capsys: pytest.CaptureFixture[str]
) -> None:
    gates.show_version("tiny", "run-2")
    text = printed(capsys)
    assert "registered no" in " ".join(text.split())
    assert "refuse" in text


def test_machines_get_json(stage: MemoryStage, capsys: pytest.CaptureFixture[str]) -> None:
    gates.show_version("tiny", "v1", as_json=True)
    found: dict[str, Any] = json.loads(printed(capsys))
    assert (found["version"], found["status"], found["outcome"]) == (1, "PendingManualApproval", "pass")
    gates.print_gates("tiny", "run-2", as_json=True)
    assert json.loads(printed(capsys))["outcome"] == "refuse"


def test_a_run_that_was_never_judged_is_answered_with_those_that_were(stage: MemoryStage) -> None:
    with pytest.raises(CommandError, match="no judged run 'run-9'; the latest are: run-2, run-1"):
        gates.print_gates("tiny", "run-9")
    with pytest.raises(CommandError, match="has no version 7; there are: 1"):
        gates.print_gates("tiny", "7")


def test_a_model_that_the_stage_does_not_have_is_told_by_name(
    stage: MemoryStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def packages_of_nothing(group: str) -> None:
        message = f"ModelPackageGroup {group} does not exist."
        raise ClientError({"Error": {"Code": "ValidationException", "Message": message}}, "ListModelPackages")

    monkeypatch.setattr(stage.registry, "packages", packages_of_nothing)
    with pytest.raises(CommandError, match="no model is called nope in stage dev"):
        packages.find(stage, "nope", 1)
