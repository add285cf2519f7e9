"""An endpoint sleeps and wakes on what it served, and nothing else is ever touched."""

from typing import Any

import pytest

from functions.rest_endpoint.handler import RestEndpointEvent, rest
from tests.unit.functions.scene import ENDPOINT, Scene, approved, kinds, moving, serve_first_version
from tests.unit.functions.scene import PromotionRun as Run
from trimtab.errors import EndpointNotReady
from trimtab.rollout.sleep import OVER


@pytest.fixture
def serving(scene: Scene) -> Scene:
    serve_first_version(scene)
    return scene


def act(scene: Scene, what: str) -> dict[str, Any]:
    event = RestEndpointEvent.model_validate(scene.event("", act=what))
    return rest(event, scene.runtime, scene.endpoints)


def test_an_endpoint_sleeps_and_wakes_on_the_config_that_served(serving: Scene) -> None:
    config = serving.endpoints.endpoints[ENDPOINT].config
    assert act(serving, "sleep") == {"done": True, "reason": "deleted", "config": config}
    assert ENDPOINT not in serving.endpoints.endpoints
    assert act(serving, "wake") == {"done": True, "reason": "created", "config": config}
    serving.endpoints.settle(ENDPOINT)
    assert serving.endpoints.endpoints[ENDPOINT].config == config
    assert [kind for kind in kinds(serving) if kind.startswith("endpoint.")] == ["endpoint.slept", "endpoint.woken"]


def test_repeating_either_changes_nothing(serving: Scene) -> None:
    act(serving, "sleep")
    assert act(serving, "sleep")["done"] is False
    act(serving, "wake")
    assert act(serving, "wake")["done"] is False


@pytest.mark.parametrize("late", ["wake", "sleep"])
def test_a_call_that_comes_after_a_later_one_is_over(serving: Scene, late: str) -> None:
    for what in ("sleep", "wake", "sleep")[: 3 if late == "wake" else 2]:
        serving.later(hours=12)
        act(serving, what)
        if ENDPOINT in serving.endpoints.endpoints:
            serving.endpoints.settle(ENDPOINT)
    before = kinds(serving)
    serving.later(hours=-1)
    assert act(serving, late) == {"done": False, "reason": OVER, "config": ""}
    assert kinds(serving) == before
    assert (ENDPOINT in serving.endpoints.endpoints) == (late == "sleep")


def test_a_rollout_is_not_disturbed(scene: Scene) -> None:
    moving(scene)
    before = scene.endpoints.endpoints[ENDPOINT]
    assert "rollout is under way" in act(scene, "sleep")["reason"]
    assert scene.endpoints.endpoints[ENDPOINT] == before


def test_a_promotion_that_waits_for_staging_keeps_the_endpoint_too(serving: Scene) -> None:
    Run(serving, "second").check(approved(serving))
    assert act(serving, "sleep")["done"] is False


def test_an_endpoint_that_was_deleted_by_hand_is_not_woken(serving: Scene) -> None:
    serving.endpoints.delete(ENDPOINT)
    assert act(serving, "wake") == {"done": False, "reason": "the endpoint was not put to sleep", "config": ""}
    assert ENDPOINT not in serving.endpoints.endpoints


def test_an_endpoint_that_a_promotion_made_in_the_night_is_left_as_it_is(serving: Scene) -> None:
    act(serving, "sleep")
    serving.endpoints.create(ENDPOINT, next(iter(serving.endpoints.configs)))
    made = serving.endpoints.endpoints[ENDPOINT]
    assert act(serving, "wake")["reason"] == "the endpoint is there"
    assert serving.endpoints.endpoints[ENDPOINT] == made
    assert kinds(serving)[-1] == "endpoint.woken"


def test_an_endpoint_whose_instances_change_goes_to_sleep_a_little_later(serving: Scene) -> None:
    serving.endpoints.weigh(ENDPOINT, {})
    with pytest.raises(EndpointNotReady, match="goes to sleep when that has ended"):
        act(serving, "sleep")
    serving.endpoints.settle(ENDPOINT)
    assert act(serving, "sleep")["done"] is True
