"""The whole judge on drawn minutes, as in the benchmark, in a size that a test can afford."""

import pytest

from benchmarks.rollout_judge.judges import trimtab
from benchmarks.rollout_judge.streams import Scenario, play

EQUAL = [
    Scenario("equal", per_second=4, minutes=30),
    Scenario("an outage of both", per_second=4, outage=True, minutes=30),
    Scenario("moods", per_second=2, mood=0.10, minutes=30),
]


@pytest.mark.parametrize("scenario", EQUAL, ids=lambda scenario: scenario.name)
def test_the_same_fleet_twice_is_never_condemned_however_often_it_is_looked_at(scenario: Scenario) -> None:
    assert [trimtab(play(scenario, seed)) for seed in range(12)] == [None] * 12


@pytest.mark.parametrize(
    ("scenario", "minutes"),
    [
        (Scenario("always 500", per_second=2, more_errors=0.999, minutes=10), 1),
        (Scenario("5 % errors", per_second=20, more_errors=0.05, minutes=10), 2),
        (Scenario("1 % errors", per_second=200, more_errors=0.01, minutes=10), 3),
        (Scenario("25 % slower", per_second=20, slower=0.25, minutes=10), 9),
        (Scenario("knows nothing", per_second=20, knows_nothing=True, minutes=10), 6),
    ],
    ids=lambda value: value.name if isinstance(value, Scenario) else str(value),
)
def test_a_worse_fleet_is_noticed_within_the_default_bake(scenario: Scenario, minutes: int) -> None:
    ends = [trimtab(play(scenario, seed)) for seed in range(5)]
    assert all(end is not None and end <= minutes for end in ends), ends
