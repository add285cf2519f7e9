"""How a tuning job chooses hyperparameters: random, grid, and a tree-structured Parzen estimator for Bayesian search.

AWS's own Bayesian search is a Gaussian process that is not published; what is alike is that it learns from finished,
running and parents' jobs. The estimator is Bergstra et al., "Algorithms for Hyper-Parameter Optimization" (2011).
"""

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Point = dict[str, str]
_STARTUP_JOBS = 5
_GOOD_SHARE = 0.25
_CANDIDATES = 24
_LEAST_FINISHED = 3


@dataclass(frozen=True)
class Trial:
    """What one job was given and what came of it: a score to be minimised, None while it runs."""

    point: Point
    score: float | None


@dataclass(frozen=True)
class Interval:
    """An integer or continuous hyperparameter; on its scale it goes from 0 to 1."""

    name: str
    low: float
    high: float
    scaling: str
    integer: bool

    def draw(self, rng: random.Random) -> str:
        """A value uniform on the scale."""
        return self._text(rng.random())

    def likely(self, good: Sequence[str], bad: Sequence[str], rng: random.Random) -> str:
        """The one of some values near good ones that is most likely for good and least for bad ones."""
        goods, bads = [self._unit(value) for value in good], [self._unit(value) for value in bad]
        width = max(0.05, 0.5 / math.sqrt(len(goods)))
        drawn = [min(1.0, max(0.0, rng.gauss(rng.choice(goods), width))) for _ in range(_CANDIDATES)]
        return self._text(max(drawn, key=lambda unit: _density(unit, goods, width) / _density(unit, bads, width)))

    def _text(self, unit: float) -> str:
        value = min(self.high, max(self.low, self._from_scale(unit)))
        return str(round(value)) if self.integer else repr(value)

    def _from_scale(self, unit: float) -> float:
        if self.scaling == "Logarithmic":
            return math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
        if self.scaling == "ReverseLogarithmic":
            return 1.0 - math.exp(math.log(1 - self.low) + unit * (math.log(1 - self.high) - math.log(1 - self.low)))
        if self.integer:  # every integer is as likely as any other
            return math.floor(self.low + unit * (self.high - self.low + 1 - 1e-9))
        return self.low + unit * (self.high - self.low)

    def _unit(self, text: str) -> float:
        value = float(text)
        if self.low == self.high:
            return 0.5
        if self.scaling == "Logarithmic":
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        if self.scaling == "ReverseLogarithmic":
            return (math.log(1 - value) - math.log(1 - self.low)) / (math.log(1 - self.high) - math.log(1 - self.low))
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Choice:
    """A categorical hyperparameter."""

    name: str
    values: tuple[str, ...]

    def draw(self, rng: random.Random) -> str:
        """Any value."""
        return rng.choice(self.values)

    def likely(self, good: Sequence[str], bad: Sequence[str], rng: random.Random) -> str:
        """A value drawn by how much more often it was good than bad."""
        weights = [(1 + good.count(value)) / (1 + bad.count(value)) for value in self.values]
        return rng.choices(self.values, weights)[0]


Dimension = Interval | Choice


def _density(unit: float, centres: Sequence[float], width: float) -> float:
    """A mixture of normal densities around the centres and a flat one; never 0."""
    peaks = sum(math.exp(-(((unit - centre) / width) ** 2) / 2) for centre in centres)
    return (1.0 + peaks / (width * math.sqrt(2 * math.pi))) / (1 + len(centres))


def dimensions(ranges: dict[str, Any]) -> list[Dimension]:
    """The dimensions of ParameterRanges. Raises ValueError for a range that is none, or not on its scale."""
    found: list[Dimension] = []
    for kind, integer in (("IntegerParameterRanges", True), ("ContinuousParameterRanges", False)):
        found += [_interval(each, integer) for each in ranges.get(kind, [])]
    found += [Choice(each["Name"], tuple(each["Values"])) for each in ranges.get("CategoricalParameterRanges", [])]
    return found


def _interval(given: dict[str, str], integer: bool) -> Interval:
    name, low, high = given["Name"], float(given["MinValue"]), float(given["MaxValue"])
    scaling = given.get("ScalingType", "Auto")
    if low > high:
        raise ValueError(f"MinValue of {name} is greater than its MaxValue.")
    if scaling == "Logarithmic" and low <= 0:
        raise ValueError(f"MinValue of {name} must be greater than 0 for ScalingType Logarithmic.")
    if scaling == "ReverseLogarithmic" and (integer or low < 0 or high >= 1):
        raise ValueError(f"ScalingType ReverseLogarithmic of {name} needs a continuous range within [0, 1).")
    if scaling == "Auto":  # AWS chooses by rules that it does not publish
        scaling = "Logarithmic" if low > 0 and high / low >= 1000 else "Linear"
    return Interval(name, low, high, scaling, integer)


def grid(space: Sequence[Dimension]) -> Iterator[Point]:
    """Every combination of categorical values."""
    values = [each.values for each in space if isinstance(each, Choice)]
    for combination in itertools.product(*values):
        yield {dimension.name: value for dimension, value in zip(space, combination, strict=True)}


def draw(space: Sequence[Dimension], rng: random.Random) -> Point:
    """Any point of the space."""
    return {each.name: each.draw(rng) for each in space}


def likely(space: Sequence[Dimension], trials: Sequence[Trial], rng: random.Random) -> Point:
    """A point near the good trials and away from the others; running ones count as bad, so that all differ."""
    scored = sorted((trial for trial in trials if trial.score is not None), key=lambda trial: trial.score or 0.0)
    if len(scored) < _STARTUP_JOBS:
        return draw(space, rng)
    count = math.ceil(_GOOD_SHARE * len(scored))
    good = scored[:count]
    bad = scored[count:] + [trial for trial in trials if trial.score is None]
    return {
        each.name: each.likely(
            [trial.point[each.name] for trial in good], [trial.point[each.name] for trial in bad], rng
        )
        for each in space
    }


def median_rule(own: Sequence[float], finished: Sequence[Sequence[float]]) -> bool:
    """Whether a job (its readings so far, to be minimised) is worse than the median of finished jobs' running means.

    Compared is its best reading with their means up to the same reading, as AWS describes TrainingJobEarlyStopping.
    """
    if not own:
        return False
    means = sorted(sum(each[: len(own)]) / len(own) for each in finished if len(each) >= len(own))
    return len(means) >= _LEAST_FINISHED and min(own) > means[len(means) // 2]


def halving_rule(own: Sequence[float], others: Sequence[Sequence[float]], least: int) -> bool:
    """Whether a job falls out of Hyperband: at `least` readings, and three times as many each time, a third goes on.

    Asynchronous successive halving (Li et al., 2020): compared are the jobs that have come as far by now.
    """
    rung = least
    while rung * 3 <= len(own):
        rung *= 3
    if len(own) < rung:
        return False
    reached = sorted(min(each[:rung]) for each in others if len(each) >= rung)
    return len(reached) >= 2 and min(own[:rung]) > reached[max(0, len(reached) // 3 - 1)]
