"""How rows are drawn for the bootstrap: within classes, or in blocks of time when errors near in time are alike.

Rows of one hour share their weather: drawn one by one they promise more evidence than they hold. The blocked draw is
the circular block bootstrap (Politis and Romano 1992) over units of time; whether it is needed is read from the
variance of block means against the one that independent rows would have.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.metrics import Floats, Weights

CELLS: Final = 250_000
"""Weights held at once."""
DRAWN_AT_ONCE: Final = 32_768
GROUPS: Final = 4_000
"""Groups that very many rows are put into."""
LEAST_UNITS: Final = 30
"""Fewer units of time make intervals that are too narrow."""
UNITS: Final = {"week": "timedelta64[W]", "day": "timedelta64[D]", "hour": "timedelta64[h]"}
"""Units of blocks, longest first."""


@dataclass(frozen=True)
class Stratified:
    """Every row by itself; each group keeps its number of rows."""

    group: NDArray[np.intp]
    """Shape (n,)."""

    method = "stratified percentile"
    blocks = None
    block_of = None

    def weights(self, rounds: int, generator: np.random.Generator) -> Iterator[Weights]:
        """How often each row is drawn, shape (up to ``rounds``, n) a time."""
        strata = [np.flatnonzero(self.group == value) for value in np.unique(self.group)]
        for size in _batches(rounds, len(self.group)):
            weights = np.zeros((size, len(self.group)), dtype=np.uint8)
            for row in weights:
                for members in strata:
                    row[members] = counts(len(members), generator)
            yield weights

    def in_groups(self, seed: int) -> "Grouped":
        """Rows put at random into groups of about equal size, each of one class, to be drawn within their class.

        The variance between random groups is that between rows; estimated from g groups it is off by 1 in
        sqrt(g / 2). A class with few rows has groups of one.
        """
        sizes: list[int] = []
        group = np.empty(len(self.group), dtype=np.intp)
        generator = np.random.default_rng([seed, 6])
        strata = [np.flatnonzero(self.group == value) for value in np.unique(self.group)]
        for members in strata:
            wanted = max(GROUPS // (2 * len(strata)), round(GROUPS * len(members) / len(self.group)))
            count = min(len(members), wanted)
            group[members] = sum(sizes) + generator.permutation(len(members)) % count
            sizes.append(count)
        return Grouped(group, Stratified(np.repeat(np.arange(len(sizes)), sizes)))

    def of_rows(self, rows: NDArray[Any]) -> "Stratified":
        """The same for a part of the rows."""
        return Stratified(self.group[rows])


@dataclass(frozen=True)
class Blocked:
    """Runs of ``length`` units of time, wrapped around at the end; units without rows are left out."""

    unit_of: NDArray[np.intp]
    """Position of each row's unit in time, shape (n,)."""
    unit: str
    length: int
    design_effect: float
    """Variance of the mean error between blocks, over what independent rows would have."""

    method = "circular block percentile"

    @property
    def units(self) -> int:
        return int(self.unit_of.max(initial=-1)) + 1

    @property
    def block_of(self) -> NDArray[np.intp]:
        """Position of each row's block in time, shape (n,)."""
        return self.unit_of // self.length

    @property
    def blocks(self) -> dict[str, Any]:
        return {"unit": self.unit, "units": self.units, "length": self.length, "design_effect": self.design_effect}

    def weights(self, rounds: int, generator: np.random.Generator) -> Iterator[Weights]:
        """How often each row is drawn, shape (up to ``rounds``, n) a time; a round draws as many units as there are."""
        units = self.units
        for size in _batches(rounds, len(self.unit_of)):
            starts = generator.integers(0, units, (size, -(-units // self.length)))
            drawn = (starts[:, :, None] + np.arange(self.length)) % units
            flat = drawn.reshape(size, -1)[:, :units] + np.arange(size)[:, None] * units
            counted = np.bincount(flat.ravel(), minlength=size * units).reshape(size, units)
            yield counted.astype(np.uint16)[:, self.unit_of]

    def in_groups(self, seed: int) -> "Grouped":
        """Each unit of time is a group; the draws are the same."""
        return Grouped(self.unit_of, replace(self, unit_of=np.arange(self.units)))

    def of_rows(self, rows: NDArray[Any]) -> "Blocked":
        """The same for a part of the rows; units without any of them are left out."""
        _, kept = np.unique(self.unit_of[rows], return_inverse=True)
        return Blocked(kept, self.unit, min(self.length, max(1, int(kept.max(initial=0)) + 1)), self.design_effect)


Draws = Stratified | Blocked


@dataclass(frozen=True)
class Grouped:
    """Many rows in groups, and how groups are drawn."""

    group: NDArray[np.intp]
    """Shape (n,)."""
    draws: Draws
    """Of the groups."""

    @property
    def count(self) -> int:
        return int(self.group.max(initial=-1)) + 1


def choose(
    group: NDArray[np.intp],
    times: NDArray[np.datetime64] | None,
    losses: Floats,
    asked: str = "auto",
    unit: str = "auto",
) -> Draws:
    """How rows of these losses, shape (n,), are to be drawn.

    ``auto`` draws blocks when there are thirty units of time and the losses of neighbouring units are so alike that
    chance does not explain it (two standard errors above a design effect of 1); ``blocked`` draws them whenever there
    are two units; ``stratified`` never does.
    """
    if times is None or asked == "stratified" or not len(group):
        return Stratified(group)
    found = _blocks(times, losses, unit)
    if asked == "blocked":
        return found if found.units > 1 else Stratified(group)
    blocks = found.units // found.length
    excess = 1 + 2 * np.sqrt(2 / max(1, blocks - 1))
    return found if found.units >= LEAST_UNITS and found.design_effect > excess else Stratified(group)


def _blocks(times: NDArray[np.datetime64], losses: Floats, unit: str) -> Blocked:
    """Blocks of the longest unit of which there are enough, or of the one asked for."""
    for name in UNITS if unit == "auto" else (unit,):
        _, places = np.unique((times - times.min()).astype(UNITS[name]), return_inverse=True)
        if int(places.max()) + 1 >= LEAST_UNITS:
            break
    length = max(1, round((int(places.max()) + 1) ** (1 / 3)))
    return Blocked(places, name, length, design_effect(losses, places // length))


def design_effect(losses: Floats, block: NDArray[np.intp]) -> float:
    """Variance of the mean loss by blocks over the variance by rows; 1 for independent rows, NaN where undefined.

    The variance by blocks is that of a ratio estimator (Cochran 1977, 6.4): blocks may differ in size.
    """
    n, blocks = len(losses), int(block.max(initial=0)) + 1
    spread = float(losses.var())
    if blocks < 2 or not spread > 0:
        return float("nan")
    apart = np.bincount(block, losses - losses.mean(), minlength=blocks)
    return float((apart**2).sum() * blocks / (blocks - 1) / (n * spread))


def counts(n: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """How often each of ``n`` rows comes up in ``n`` draws with replacement, shape (n,).

    Many rows are drawn block by block, after how many draws fall into each block has been drawn: the distribution is
    the same, and each block stays in the processor's cache. A count above 255 has a probability below 1e-500.
    """
    sizes = [min(DRAWN_AT_ONCE, n - start) for start in range(0, n, DRAWN_AT_ONCE)]
    shares = generator.multinomial(n, np.array(sizes) / n) if len(sizes) > 1 else sizes
    parts = [
        np.bincount(generator.integers(0, size, share), minlength=size)
        for size, share in zip(sizes, shares, strict=True)
    ]
    return np.concatenate(parts).astype(np.uint8)


def _batches(rounds: int, n: int) -> Iterator[int]:
    step = max(1, CELLS // max(1, n))
    for start in range(0, rounds, step):
        yield min(step, rounds - start)
