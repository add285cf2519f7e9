"""How the machine moves traffic: by SageMaker alone, or with Trimtab's own moves before and in place of it."""

from typing import Any

import pytest

from stacks.templates import states
from tests.infra.conftest import Assembly
from trimtab.spec import RolloutSpec
from trimtab.spec.timetable import longest_s, pace_s


def promotion(assembly: Assembly, model: str) -> dict[str, Any]:
    """The definition of a model's machine."""
    (found,) = [
        definition
        for name, definition in assembly.machines().items()
        if name.startswith(f"trimtab-dev-model-{model}/") and "PlanRollout" in definition["States"]
    ]
    return found


def test_guardrails_alone_need_no_moves_of_our_own(assembly: Assembly) -> None:
    assert "ShiftTraffic" not in promotion(assembly, "flights")["States"]
    moving = promotion(assembly, "searched")["States"]["HowToMove"]
    assert [choice["Next"] for choice in moving["Choices"]] == ["CreateEndpoint", "ShiftTraffic"]


def test_what_was_scaled_is_kept_and_said_to_sagemaker(assembly: Assembly) -> None:
    request = promotion(assembly, "flights")["States"]["UpdateEndpoint"]["Parameters"]
    assert {"RetainAllVariantProperties.$", "ExcludeRetainedVariantProperties.$", "DeploymentConfig.$"} <= set(request)


@pytest.mark.parametrize("model", ["flights", "searched"])
def test_every_look_has_the_time_of_its_own(assembly: Assembly, model: str) -> None:
    """A retried task keeps the time at which its state was first entered, and a look needs to know what time it is."""
    looks = ("WatchRollout", "ShiftTraffic", "ReturnTraffic")
    found = {name: state for name, state in states(promotion(assembly, model)) if name in looks}
    assert set(found) == set(looks if model == "searched" else looks[:1])
    for state in found.values():
        assert state["Parameters"]["at.$"] == "$$.State.EnteredTime"
        assert [retry for retry in state["Retry"] if retry.get("BackoffRate") == 1] == []


def test_an_error_while_traffic_moves_takes_it_back_before_it_is_told(assembly: Assembly) -> None:
    found = promotion(assembly, "searched")["States"]
    assert [catch["Next"] for catch in found["ShiftTraffic"]["Catch"]] == ["ReturnTraffic"]
    assert [catch["Next"] for catch in found["ReturnTraffic"]["Catch"]] == ["NoteFailure"]


@pytest.mark.parametrize(
    "rollout",
    [
        RolloutSpec(),
        RolloutSpec(strategy="linear", percent=10, bake_minutes=40),
        RolloutSpec(strategy="stepped", gate="manual", gate_hours=168, steps=[{"percent": 100, "gate": "manual"}]),
        RolloutSpec(strategy="shadow", shadow={"minutes": 1440, "then": "rolling"}),
    ],
)
def test_looks_fit_into_the_events_of_one_execution(rollout: RolloutSpec) -> None:
    looks = longest_s(rollout) / pace_s(rollout)
    assert looks * 10 < 25_000 - 3000


def test_own_checks_are_the_only_foreign_functions_that_may_be_asked(assembly: Assembly) -> None:
    def asked(model: str) -> set[str]:
        found = set()
        for policy in assembly.resources("AWS::IAM::Policy"):
            if policy.stack != f"trimtab-dev-model-{model}":
                continue
            for statement in policy.properties["PolicyDocument"]["Statement"]:
                if statement["Action"] == "lambda:InvokeFunction" and "function:" in str(statement["Resource"]):
                    found |= {name for name in ("may-move", "still-well") if name in str(statement["Resource"])}
        return found

    assert asked("searched") == {"may-move", "still-well"}
    assert asked("flights") == set()
