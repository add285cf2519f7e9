"""Two of the scenarios of `make scenarios`, so that each landing sees a judged rollout go back under traffic."""

import pytest

from tests.scenarios.successors import Successor, learn
from tests.scenarios.world import production

from .conftest import LocalCloud

OLD = learn(1)


@pytest.mark.parametrize(
    ("successor", "cause", "share"),
    [(OLD.with_errors(0.05), "errors: new fleet", 0.05), (learn(2, shuffled=True), "scores: the distributions", 0.0)],
    ids=["errs", "knows nothing"],
)
def test_a_successor_that_is_worse_goes_back_by_what_both_fleets_answered(
    own_cloud: LocalCloud, successor: Successor, cause: str, share: float
) -> None:
    with production(own_cloud, OLD) as world:
        ended = world.promote(successor)
        world.delete_production()
    assert ended.outcome == "RolledBack", ended
    assert cause in ended.reason, ended
    assert ended.failed <= share * ended.asked, ended
