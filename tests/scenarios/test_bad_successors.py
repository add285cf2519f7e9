"""Successors that are worse in one way each go back; the same fleet twice stays."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.conftest import LocalCloud, own_cloud
from tests.scenarios.successors import Successor, learn
from tests.scenarios.world import World, production

__all__ = ["own_cloud"]

OLD = learn(1)
SUCCESSORS: dict[str, tuple[Successor, str, float, float]] = {
    "always 500": (OLD.with_errors(1.0), "errors", 5, 0.5),
    "5 % errors": (OLD.with_errors(0.05), "errors", 12, 0.04),
    "1 % errors": (OLD.with_errors(0.01), "errors", 14, 0.01),
    "shuffled labels": (learn(2, shuffled=True), "scores", 14, 0.0),
}
"""Each with what its end names, the minutes and the share of failed requests that it may cost."""


@pytest.fixture(scope="module")
def world(own_cloud: LocalCloud) -> Iterator[World]:
    with production(own_cloud, OLD) as made:
        yield made


@pytest.mark.parametrize("name", SUCCESSORS)
def test_a_worse_successor_goes_back_within_its_time_and_its_budget(world: World, name: str) -> None:
    successor, cause, minutes, share = SUCCESSORS[name]
    ended = world.promote(successor)
    print(f"\n{name}: {ended}")
    assert ended.outcome == "RolledBack", ended
    assert cause in ended.reason, ended
    assert ended.minutes <= minutes, ended
    assert ended.failed <= share * ended.asked, ended


def test_the_same_fleet_twice_stays_and_no_request_fails(world: World) -> None:
    ended = world.promote(OLD)
    print(f"\nthe same: {ended}")
    assert (ended.outcome, ended.failed) == ("Serving", 0), ended
    assert ended.shifted == (50, 100)


def test_a_successor_that_leaks_memory_goes_back_before_its_instances_are_full(world: World) -> None:
    """Fleets of one config have variants of their own, and with them readings of their own."""
    memory = {
        "name": "memory",
        "namespace": "/aws/sagemaker/Endpoints",
        "metric": "MemoryUtilization",
        "dimensions": {"EndpointName": "{endpoint}", "VariantName": "{variant}"},
        "statistic": "Maximum",
        "compare": "limit",
        "limit": 2,
    }
    judge = {"metrics": [memory], "without": ["latency"]}  # to keep megabytes takes time too
    stepped: dict[str, Any] = {"strategy": "stepped", "steps": [50, 100], "judge": judge}
    ended = world.promote(OLD.leaking(500_000), per_second=40, **stepped)
    print(f"\nleaks: {ended}")
    assert (ended.outcome, ended.failed) == ("RolledBack", 0), ended
    assert "memory: " in ended.reason, ended
    assert ended.minutes <= 14


def test_a_successor_that_takes_a_quarter_longer_goes_back(world: World) -> None:
    slow: dict[str, Any] = {"strategy": "all_at_once", "bake_minutes": 0, "judge": {"without": ["latency"]}}
    assert world.promote(OLD.taking(0.1), **slow).outcome == "Serving"
    ended = world.promote(OLD.taking(0.125))
    print(f"\na quarter slower: {ended}")
    assert (ended.outcome, ended.failed) == ("RolledBack", 0), ended
    assert "latency" in ended.reason, ended
    assert ended.minutes <= 14
