"""What `trimtab rollout` prints and writes."""

from dataclasses import replace

from tests.fakes import NOON
from tests.unit.functions.scene import ENDPOINT, tiny_spec, with_rollout
from trimtab.contracts import Promotion
from trimtab.names import ModelNames
from trimtab.ports import EndpointState
from trimtab.rollout.planning import plan_of
from trimtab.rollout.preview import Preview

LIVE = EndpointState(ENDPOINT, "InService", f"{ENDPOINT}-v1-00000000", weights={"main": 1.0}, counts={"main": 2})
PROMOTION = Promotion(outcome="Approved", reason="", package_arn="p", version=2, tag="00000000")


def preview(live: EndpointState | None = LIVE, states: dict[str, str] | None = None, **rollout: object) -> Preview:
    spec = with_rollout(tiny_spec(), **rollout).rollout
    plan = plan_of(PROMOTION, ModelNames("test", "tiny"), spec, live, NOON)
    return Preview(plan, spec, live, states or {})


def test_a_canary_is_told_with_its_times_its_alarms_and_what_both_fleets_cost() -> None:
    told = preview(termination_minutes=5).to_json()
    assert (told["version"], told["action"], told["serves_now"]) == ("2", "update", LIVE.config)
    assert [(step["percent"], step["starts_s"]) for step in told["steps"]] == [(20, 0), (100, 600)]
    assert told["seconds"] == {"provisioning_estimated": 480, "watching": 1500, "holding_at_most": 0}
    assert list(told["alarms"]) == [f"{ENDPOINT}-v2-00000000-errors", f"{ENDPOINT}-v2-00000000-stop"]
    assert told["cost_of_overlap"] == round(0.115 * 2 * 1980 / 3600, 2)
    assert told["refused"] == []


def test_steps_gates_and_a_shadow_before_them_are_told() -> None:
    steps = [1, {"percent": 30, "gate": "manual", "bake_minutes": 60}, 100]
    told = preview(strategy="shadow", shadow={"minutes": 90, "then": "stepped"}, steps=steps, gate_hours=4).to_json()
    assert [step["percent"] for step in told["steps"]] == [1, 30, 100]
    assert told["seconds"]["watching"] == (90 + 10 + 60 + 10) * 60
    assert told["seconds"]["holding_at_most"] == 4 * 3600 + 4 * 3600
    assert told["then"] == "stepped"


def test_everything_that_is_in_the_way_is_told_at_once() -> None:
    busy = replace(LIVE, status="Updating")
    told = preview(busy, {"orders": "ALARM"}, strategy="linear", percent=5, alarms=["orders", "visits"]).to_json()
    assert told["refused"] == [
        f"{ENDPOINT} is Updating: a rollout waits until it is InService",
        "alarm orders is ALARM: each of rollout.alarms must be OK",
        "alarm visits is missing: each of rollout.alarms must be OK",
        "SageMaker would refuse this rollout: linear step (per cent) is 5, allowed are 10 to 50",
    ]


def test_a_first_version_is_told_as_one() -> None:
    told = preview(None).to_json()
    assert (told["action"], told["steps"], told["alarms"], told["cost_of_overlap"]) == ("create", [], {}, None)
    assert "compared with nothing" in told["notes"][0]


def test_a_champion_whose_endpoint_is_gone_is_made_again_first_and_that_takes_its_time() -> None:
    found = replace(preview(), is_absent=True)
    told = found.to_json()
    assert told["notes"][0] == f"{ENDPOINT} does not exist: it is made again on {LIVE.config} before traffic moves"
    assert told["seconds"]["provisioning_estimated"] == 2 * 480
    assert [step["percent"] for step in told["steps"]] == [20, 100]


def test_instances_that_autoscaling_added_cost_too() -> None:
    told = preview(replace(LIVE, counts={"main": 10})).to_json()
    assert told["instances"] == 10
    assert told["cost_of_overlap"] == round(0.115 * 10 * 1680 / 3600, 2)
