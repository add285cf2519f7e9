"""A good successor takes over by every strategy: no request fails, shares and order are as planned."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.conftest import LocalCloud, own_cloud
from tests.scenarios.successors import learn
from tests.scenarios.world import World, production

__all__ = ["own_cloud"]

REQUESTS = int(os.environ.get("SCENARIO_REQUESTS", "50000"))
"""Of each strategy; clients go on until then."""
RATE = float(os.environ.get("SCENARIO_RATE", "200"))
"""Requests a second of real time; 0: as fast as the machine answers."""
MINUTES = int(os.environ.get("SCENARIO_MINUTES", "48"))
"""That traffic moves, of the cloud's clock; a strategy's steps share them."""
SHADOW = 10
SECONDS = 1800
STRATEGIES: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({"strategy": "all_at_once", "on_inconclusive": "proceed"}, (100,)),
    ({"strategy": "canary", "percent": 50}, (50, 100)),
    ({"strategy": "linear", "percent": 50}, (50, 100)),
    ({"strategy": "rolling", "percent": 50}, (50, 100)),
    ({"strategy": "stepped", "steps": [5, 25, 100]}, (5, 25, 100)),
    ({"strategy": "shadow", "shadow": {"minutes": SHADOW, "then": "canary"}, "percent": 50}, (0, 50, 100)),
]


@pytest.fixture(scope="module")
def world(own_cloud: LocalCloud) -> Iterator[World]:
    with production(own_cloud, learn(1)) as made:
        yield made


@pytest.mark.parametrize(
    ("strategy", "percents"),
    STRATEGIES,
    ids=lambda value: str(dict(value).get("strategy", "")) if isinstance(value, dict) else "",
)
def test_a_good_successor_takes_over_and_no_request_fails(
    world: World, strategy: dict[str, Any], percents: tuple[int, ...]
) -> None:
    steps = [percent for percent in percents if percent]
    bake = MINUTES // len(steps)
    sent = {"at_least": REQUESTS, "per_second": RATE, "seconds": SECONDS}
    ended = world.promote(learn(3), **sent, bake_minutes=bake, **strategy)
    print(f"\n{strategy['strategy']}: {ended}, {ended.per_second:.0f} requests a second")
    assert (ended.outcome, ended.failed) == ("Serving", 0), ended
    assert ended.asked >= REQUESTS
    assert ended.shifted == percents
    for percent in percents[:-1]:
        assert abs(ended.shares[percent] - percent) <= 2, ended
    planned = bake * len(steps) + SHADOW * (0 in percents)
    assert planned <= ended.minutes + 1, ended
    assert ended.minutes <= planned + 15, ended
