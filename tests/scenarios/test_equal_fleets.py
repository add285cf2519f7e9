"""The same fleet twice, a hundred times: the judge of rollouts on drawn streams, asked every minute."""

from datetime import timedelta

import pytest

from benchmarks.rollout_judge.streams import START, Scenario, play
from trimtab.rollout.judge.judge import judge
from trimtab.spec.rollout import RolloutSpec

RUNS = 100
ROLLOUT = RolloutSpec()
MOST = round(RUNS * ROLLOUT.judge.alpha)
MINUTES = 20


def went_back(scenario: Scenario, seed: int) -> bool:
    """Whether any look of the rollout condemns the new fleet."""
    looks = enumerate(play(scenario, seed), start=1)
    return any(judge(seen, ROLLOUT, START + timedelta(minutes=at)).outcome == "fail" for at, seen in looks)


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario("equal", minutes=MINUTES),
        Scenario("equal, 0.5 % errors", base_errors=0.005, minutes=MINUTES),
        Scenario("equal, an outage of both", outage=True, minutes=MINUTES),
    ],
    ids=lambda scenario: scenario.name,
)
def test_equal_fleets_are_not_told_apart_more_often_than_was_promised(scenario: Scenario) -> None:
    found = sum(went_back(scenario, seed) for seed in range(RUNS))
    print(f"\n{scenario.name}: {found} of {RUNS} rollouts went back")
    assert found <= MOST


def test_fleets_that_differ_are_told_apart_by_the_same_judge() -> None:
    assert all(went_back(Scenario("5 % errors", more_errors=0.05, minutes=MINUTES), seed) for seed in range(5))
