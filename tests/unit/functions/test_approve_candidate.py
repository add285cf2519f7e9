"""Approval by rule: off unless the spec asks, by measured gates and a small change only, never in a person's way."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.fakes import ANN, MemoryRegistry
from tests.unit.functions.scene import SPEC, PromotionRun, Scene, function, serve_first_version, tiny_spec
from trimtab.contracts import Confirmation, Promotion
from trimtab.errors import SpecError
from trimtab.ports import Package
from trimtab.rollout.conclusion import Conclusion

ROBOT = "arn:aws:sts::123456789012:assumed-role/trimtab-approve-candidate/function"
RULE = "approval: {auto: {gates: [champion, bias], max_metric_change: 0.05, max_prediction_change: 0.2}}\n"
GATES: list[dict[str, Any]] = [
    {"name": "champion", "outcome": "pass", "value": 0.02, "message": "better by 0.02"},
    {"name": "bias sex four_fifths", "outcome": "pass", "value": 0.95, "message": "0.95"},
    {"name": "finite", "outcome": "pass", "value": None, "message": "all are numbers"},
]


@dataclass
class Robot:
    """The one machine that may turn the switch."""

    registry: MemoryRegistry
    turned: list[str] = field(default_factory=list)
    identity: str = ROBOT

    def approve(self, package_arn: str, reason: str) -> None:
        self.turned.append(package_arn)
        self.registry.approve(package_arn, ROBOT, reason=reason)


@pytest.fixture
def scene() -> Scene:
    """Version 1 serves; version 2 was trained by a machine and keeps to the rule."""
    made = Scene(spec=tiny_spec(SPEC + RULE))
    serve_first_version(made)
    made.register("run-2", submitted_by="training:run-2")
    return made


def package(scene: Scene) -> Package:
    return next(iter(scene.registry.packages("trimtab-test-tiny")))


def measured(scene: Scene, difference: float | None = 0.02, change: float | None = 0.1, **judged: Any) -> None:
    """What the evaluation found, and what the gates made of it."""
    uri = "s3://artifacts/tiny/runs/run-2/evaluation/evaluation.json"
    report = json.loads(scene.objects.read(uri))
    paired = {"difference": difference, "lo": 0.01, "hi": 0.03}
    report |= {"paired": {"champion": {"auc": paired}}, "champion": {"present": True, "change": change}}
    scene.objects.write(uri, json.dumps(report).encode())
    data = {"passed": True, "outcome": "pass", "gates": GATES, **judged}
    scene.ledger.append("candidate.judged", "run-2", data, scene.now, "test")


def approve(scene: Scene, robot: Robot | None = None, champion: int | None = 1) -> dict[str, Any]:
    module = function("approve_candidate")
    met = None if champion is None else {"version": champion, "package_arn": "a", "artifact_uri": "u"}
    dataset = {"ready": True, "reason": "", "champion": met}
    parts = {"run": "run-2", "package_arn": package(scene).arn, "dataset": dataset}
    event = module.ApproveCandidateEvent.model_validate(scene.event("training-2", **parts))
    return dict(module.approve(event, scene.runtime, scene.registry, robot or Robot(scene.registry)))


def test_a_candidate_that_keeps_to_the_rule_is_approved_and_people_are_told_how_to_stop_it(scene: Scene) -> None:
    measured(scene)
    assert approve(scene)["approved"] is True
    assert package(scene).status == "Approved"
    (entry,) = scene.ledger.entries("approval.automatic")
    assert (entry.data["by"], entry.data["version"]) == (ROBOT, 2)
    assert [condition["passed"] for condition in entry.data["conditions"]] == [True] * 7
    assert "trimtab reject tiny 2" in scene.notifier.sent[-1]["next_step"]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ({"outcome": "refuse", "passed": False}, "no: refuse"),
        ({"gates": GATES[:1]}, "the judgement has no such gate"),
        ({"gates": [GATES[0], GATES[1] | {"accepted_risk": "people decided"}]}, "its risk was accepted"),
        ({"gates": [GATES[0] | {"value": None, "message": "there is no champion"}, GATES[1]]}, "there is no champion"),
        ({"gates": [*GATES, GATES[1] | {"name": "bias age", "outcome": "not_judged"}]}, "bias age"),
        ({"difference": 0.06}, "no: +0.0600"),
        ({"difference": -0.06}, "no: -0.0600"),
        ({"difference": None}, "it was not measured"),
        ({"change": 0.3}, "no: +0.3000"),
        ({"change": None}, "it was not measured"),
        ({"change": float("nan")}, "it was not measured"),
    ],
)
def test_whatever_is_not_proven_leaves_it_to_a_person(scene: Scene, found: dict[str, Any], why: str) -> None:
    measured(scene, **found)
    answer = approve(scene)
    assert answer["approved"] is False
    assert why in answer["reason"]
    assert package(scene).status == "PendingManualApproval"


def test_a_candidate_that_a_person_asked_for_or_that_met_another_champion_waits(scene: Scene) -> None:
    measured(scene)
    assert "another version serves now" in approve(scene, champion=7)["reason"]
    other = Scene(spec=tiny_spec(SPEC + RULE))
    serve_first_version(other)
    other.register("run-2", submitted_by=ANN)
    measured(other)
    assert f"{ANN} submitted it" in approve(other)["reason"]


def test_the_first_version_is_always_a_persons() -> None:
    scene = Scene(spec=tiny_spec(SPEC + RULE))
    scene.register("run-2", submitted_by="training:run-2")
    measured(scene)
    assert approve(scene, champion=None)["approved"] is False


def test_a_retry_turns_the_switch_that_the_first_attempt_did_not_reach(scene: Scene) -> None:
    measured(scene)

    class Broken(Robot):
        def approve(self, package_arn: str, reason: str) -> None:
            raise ConnectionError("the process is gone")

    with pytest.raises(ConnectionError):
        approve(scene, Broken(scene.registry))
    robot = Robot(scene.registry)
    approve(scene, robot)
    approve(scene, robot)
    assert len(robot.turned) == 1
    assert len(scene.ledger.entries("approval.automatic")) == 1


def test_a_person_who_rejected_it_first_is_not_overruled(scene: Scene) -> None:
    measured(scene)
    scene.registry.reject(package(scene).arn, "not this one")
    assert approve(scene)["approved"] is True, "the rule would have"
    assert package(scene).status == "Rejected"


def test_its_promotion_says_that_no_person_approved_it_and_so_does_what_serves(scene: Scene) -> None:
    said = {"approved": True, "by": ROBOT, "package_arn": package(scene).arn}
    scene.ledger.append("approval.automatic", "run-2", said, scene.now, "approve_candidate")
    scene.registry.approve(package(scene).arn, ROBOT)
    run = PromotionRun(scene, "second")
    checked = run.check(package(scene).arn)
    assert (checked["outcome"], checked["automatic"]) == ("Approved", True)
    (vote,) = [entry for entry in scene.ledger.entries("approval.voted") if entry.data["version"] == 2]
    assert vote.data["automatic"] is True
    assert served(scene, checked)["automatic"] is True
    first = scene.ledger.state("champion")
    assert first is not None
    assert (first["automatic"], first["version"]) == (False, 1)


def served(scene: Scene, checked: dict[str, Any]) -> dict[str, Any]:
    """What the ledger would say of the version once it serves."""
    ports = (scene.now, scene.ledger, scene.registry, scene.notifier, scene.metrics, "test", "page")
    confirmation = Confirmation(outcome="Serving", reason="", live_config="c", version=2)
    return Conclusion(Promotion.model_validate(checked), *ports).champion(confirmation)


def test_a_person_vetoes_it_by_rejecting(scene: Scene) -> None:
    measured(scene)
    approve(scene)
    scene.registry.reject(package(scene).arn, "I say no")
    checked = PromotionRun(scene, "second").check(package(scene).arn)
    assert (checked["outcome"], checked["reason"]) == ("Refused", "the package is Rejected, not Approved")


def test_an_approval_by_rule_counts_for_nothing_once_the_spec_has_no_rule(scene: Scene) -> None:
    measured(scene)
    approve(scene)
    scene.spec = tiny_spec()
    checked = PromotionRun(scene, "second").check(package(scene).arn)
    assert checked["outcome"] == "Refused"
    assert "a person has to approve" in checked["reason"]
    assert package(scene).status == "PendingManualApproval"


@pytest.mark.parametrize("people", ["approvers: 2", "four_eyes: true", "by: ['arn:aws:iam::1:user/*']"])
def test_a_spec_that_asks_for_people_has_no_rule_beside_them(people: str) -> None:
    with pytest.raises(SpecError, match="leave one out"):
        tiny_spec(SPEC + RULE.replace("approval: {", f"approval: {{{people}, "))


def test_without_a_rule_in_the_spec_nothing_is_approved(scene: Scene) -> None:
    measured(scene)
    scene.spec = tiny_spec()
    with pytest.raises(SpecError, match=r"no approval\.auto any more"):
        approve(scene)
