"""Two of the scenarios of `make scenarios`, so that each landing sees a judged rollout go back under traffic."""

from collections.abc import Iterator

import pytest

from tests.scenarios.successors import Successor, learn
from tests.scenarios.world import World, production

from .conftest import LocalCloud

OLD = learn(1)


@pytest.fixture(scope="module")
def world(own_cloud: LocalCloud) -> Iterator[World]:
    """One production for both, so that no two fleets share a name and with it their metrics."""
    with production(own_cloud, OLD) as made:
        yield made


@pytest.mark.parametrize(
    ("successor", "cause", "share"),
    [(OLD.with_errors(0.05), "errors: new fleet", 0.05), (learn(2, shuffled=True), "scores: the distributions", 0.0)],
    ids=["errs", "knows nothing"],
)
def test_a_successor_that_is_worse_goes_back_by_what_both_fleets_answered(
    world: World, successor: Successor, cause: str, share: float
) -> None:
    ended = world.promote(successor)
    assert ended.outcome == "RolledBack", ended
    assert cause in ended.reason, ended
    assert ended.failed <= share * ended.asked, ended
