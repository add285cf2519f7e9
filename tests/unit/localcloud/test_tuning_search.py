"""The searches of a tuning job: they stay in their ranges, learn, and stop what promises little."""

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from localcloud.sagemaker.tuning_search import Point, Trial, dimensions, draw, grid, halving_rule, likely, median_rule

RANGES: dict[str, Any] = {
    "ContinuousParameterRanges": [
        {"Name": "rate", "MinValue": "0.0001", "MaxValue": "1", "ScalingType": "Logarithmic"},
        {"Name": "drop", "MinValue": "0", "MaxValue": "0.9", "ScalingType": "ReverseLogarithmic"},
    ],
    "IntegerParameterRanges": [{"Name": "depth", "MinValue": "1", "MaxValue": "4", "ScalingType": "Linear"}],
    "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b", "c"]}],
}


def loss(point: Point) -> float:
    """Lowest at rate 0.01, depth 3, kind b."""
    far = abs(math.log10(float(point["rate"])) + 2) + abs(int(point["depth"]) - 3) / 3
    return far + (0.0 if point["kind"] == "b" else 0.5) + float(point["drop"]) / 10


def search(choose: Callable[[list[Trial], random.Random], Point], seed: int, jobs: int = 40) -> float:
    trials: list[Trial] = []
    rng = random.Random(seed)
    for _ in range(jobs):
        point = choose(trials, rng)
        trials.append(Trial(point, loss(point)))
    return min(loss(trial.point) for trial in trials)


def test_every_drawn_value_lies_in_its_range() -> None:
    space, rng = dimensions(RANGES), random.Random(1)
    points = [draw(space, rng) for _ in range(500)]
    assert all(0.0001 <= float(point["rate"]) <= 1 and 0 <= float(point["drop"]) <= 0.9 for point in points)
    assert {point["depth"] for point in points} == {"1", "2", "3", "4"}
    below = sum(float(point["rate"]) < 0.01 for point in points)
    assert 200 < below < 300  # half of a logarithmic range lies below its geometric mean


def test_learning_beats_drawing() -> None:
    space = dimensions(RANGES)
    drawn = [search(lambda _trials, rng: draw(space, rng), seed) for seed in range(20)]
    learnt = [search(lambda trials, rng: likely(space, trials, rng), seed) for seed in range(20)]
    assert sorted(learnt)[10] < sorted(drawn)[10]


def test_running_jobs_do_not_draw_the_search_to_themselves() -> None:
    space, rng = dimensions({"CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}]}), random.Random(1)
    ended = [Trial({"kind": each}, 0.0) for each in "aabb"] + [Trial({"kind": "a"}, 1.0)]
    running = [Trial({"kind": "a"}, None)] * 50
    chosen = [likely(space, [*ended, *running], rng)["kind"] for _ in range(50)]
    assert chosen.count("b") > 40


def test_a_grid_has_every_combination_once() -> None:
    space = dimensions({"CategoricalParameterRanges": [{"Name": n, "Values": ["1", "2", "3"]} for n in "xy"]})
    points = [(point["x"], point["y"]) for point in grid(space)]
    assert len(points) == len(set(points)) == 9


@pytest.mark.parametrize(
    ("scaling", "low", "high"), [("Logarithmic", "0", "1"), ("ReverseLogarithmic", "0", "1"), ("Linear", "2", "1")]
)
def test_a_range_that_is_none_is_refused(scaling: str, low: str, high: str) -> None:
    given = {"Name": "x", "MinValue": low, "MaxValue": high, "ScalingType": scaling}
    with pytest.raises(ValueError, match="x"):
        dimensions({"ContinuousParameterRanges": [given]})


def test_the_median_rule_stops_what_is_worse_than_most_were() -> None:
    finished = [[5.0, 3.0], [6.0, 4.0], [7.0, 5.0]]
    assert median_rule([9.0, 8.0], finished)
    assert not median_rule([9.0, 4.5], finished)
    assert not median_rule([9.0, 8.0], finished[:2])
    assert not median_rule([], finished)


def test_a_third_goes_on_at_every_rung() -> None:
    readings = [[float(quality)] for quality in range(9)]
    assert [halving_rule(own, readings, 1) for own in readings] == [False] * 3 + [True] * 6
    assert not halving_rule([9.0, 9.0], readings, 3)
