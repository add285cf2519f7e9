"""The hold-out cut into parts, declared and found, so that a model that fails a part is seen to.

Parts are searched for by what the candidate loses more than a reference (the champion, or else the best baseline) on
each row: rows that are hard for every model do not make a part bad. Whether a part's excess could be chance is asked of
permutations of the excess over the rows; the largest statistic of each permutation corrects for all the parts that
were looked at (Westfall and Young 1993, single-step maxT). Where errors near in time are alike, rows are not
exchangeable: an hour's rows share their weather, and a part that is that weather would be found for one bad hour.
There what a block of time adds to a part gets a random sign instead (wild cluster bootstrap: Cameron, Gelbach and
Miller 2008), and a part of few blocks proves nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.cells import Cut, crossed
from trimtab.evaluation.metrics import Floats

MIN_ROWS: Final = 100
"""Smaller parts are left out: their figures would be noise."""
MOST_SHARE: Final = 0.75
"""A larger part of the rows is not looked for: what is wrong with it is wrong with the whole, and said there."""
SEARCH_ROWS: Final = 20_000
"""Rows that a search reads, drawn with the seed."""
SEARCH_CELLS: Final = 4_000_000
"""Rows times cuts that a search reads at most: with many columns it reads fewer rows."""
PERMUTATIONS: Final = 200
ALIKE: Final = 0.5
"""A found part that shares this much of its rows with a worse one (Jaccard) is not named again."""
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Part:
    """Some rows of the hold-out."""

    name: str
    columns: tuple[str, ...]
    rows: Rows
    declared: bool
    p_adjusted: float
    """One-sided: chance that in a search over exchangeable rows, or blocks of time, some part is as bad; NaN when it
    was not asked."""


def declared_parts(cuts: list[Cut], excess: Floats, seed: int, blocks: Rows | None = None) -> list[Part]:
    """Every part of the declared cuts that has enough rows, each with its corrected p, in the order of the cuts.

    ``blocks`` is each row's block of time, shape (n,), where rows cannot be exchanged.
    """
    n = len(excess)
    parts = [(cut, place) for cut in cuts for place in _large(cut, n, MIN_ROWS)]
    _, p = judge(cuts, [place for _, place in parts], [cuts.index(cut) for cut, _ in parts], excess, seed, blocks)
    return [
        Part(cut.names[place], cut.columns, cut.members(place), True, float(value))
        for (cut, place), value in zip(parts, p, strict=True)
    ]


def found_parts(
    cuts: list[Cut], excess: Floats, most: int, seed: int, known: Iterable[str] = (), blocks: Rows | None = None
) -> list[Part]:
    """At most ``most`` parts of one or two columns, the worst first, without those that are ``known`` or alike."""
    if not most or not cuts or not np.isfinite(excess).all():
        return []
    every = list(crossed(cuts))
    rows = _sample(len(excess), len(every), seed)
    seen = [cut.of_rows(rows) for cut in every]
    # a part must have enough rows in the sample too: what is read there is what is judged
    large = [(which, place) for which, cut in enumerate(seen) for place in _large(cut, len(rows), MIN_ROWS, MOST_SHARE)]
    places, which_cut = [place for _, place in large], [which for which, _ in large]
    statistic, p = judge(seen, places, which_cut, excess[rows], seed, None if blocks is None else blocks[rows])
    order = np.argsort(-statistic, kind="stable")
    chosen: list[Part] = []
    for at in order[statistic[order] > 0]:
        which, place = large[at]
        cut = every[which]
        part = Part(cut.names[place], cut.columns, cut.members(place), False, float(p[at]))
        if part.name not in known and not any(_overlap(part.rows, other.rows) > ALIKE for other in chosen):
            chosen.append(part)
        if len(chosen) == most:
            break
    return chosen


def judge(
    cuts: list[Cut], places: list[int], which: list[int], excess: Floats, seed: int, blocks: Rows | None = None
) -> tuple[Floats, NDArray[np.float64]]:
    """How far each part's mean excess lies above the whole's, in standard errors, and its corrected p.

    Part i is ``places[i]`` of ``cuts[which[i]]``; results have shape (parts,). The standard error is that of a random
    part of the same size or, with ``blocks``, of sums over blocks. NaN when some row's excess is no number.
    """
    parts = len(places)
    if not parts or not np.isfinite(excess).all():
        return np.full(parts, np.nan), np.full(parts, np.nan)
    indicator, sizes = _indicator(cuts, places, which, len(excess))
    centred, generator = excess - excess.mean(), np.random.default_rng([seed, 1])
    if blocks is None:
        observed, worst = _permuted(indicator, sizes, centred, generator)
    else:
        observed, worst = _signed(indicator, blocks, centred, generator)
    reached = (worst[None, :] >= observed[:, None] - 1e-9).sum(axis=1)
    return observed, (1 + reached) / (1 + PERMUTATIONS)


def _permuted(indicator: Any, sizes: Floats, centred: Floats, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Each part's statistic, and the largest of all parts for each permutation of the rows."""
    scale = np.sqrt(np.maximum(centred.var() * sizes * (1 - sizes / len(centred)), 1e-300))
    worst = np.zeros(PERMUTATIONS)
    for start in range(0, PERMUTATIONS, 20):
        shuffled = np.column_stack([generator.permutation(centred) for _ in range(20)])
        worst[start : start + 20] = (np.asarray(indicator @ shuffled) / scale[:, None]).max(axis=0)
    return np.asarray(indicator @ centred) / scale, worst


def _signed(indicator: Any, blocks: Rows, centred: Floats, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """The same with a random sign for each block; a part's own blocks are its standard error."""
    from scipy.sparse import csr_array

    added = (indicator @ csr_array((centred, (np.arange(len(centred)), blocks)))).toarray()
    scale = np.sqrt(np.maximum((added**2).sum(axis=1), 1e-300))
    signs = generator.choice([-1.0, 1.0], (added.shape[1], PERMUTATIONS))
    return added.sum(axis=1) / scale, (added @ signs / scale[:, None]).max(axis=0)


def _indicator(cuts: list[Cut], places: list[int], which: list[int], n: int) -> tuple[Any, Floats]:
    """A sparse matrix, shape (parts, n), with 1 where a row is in a part; and the parts' sizes."""
    from scipy.sparse import csr_array  # scikit-learn's images have it; Lambda functions never come here

    rows = [cuts[cut].members(place) for place, cut in zip(places, which, strict=True)]
    ends = np.cumsum([0, *map(len, rows)])
    joined = np.concatenate(rows)
    return csr_array((np.ones(len(joined)), joined, ends), shape=(len(rows), n)), np.diff(ends).astype(np.float64)


def _large(cut: Cut, n: int, least: int, share: float = 1.0) -> list[int]:
    """Parts of at least ``least`` rows that are not all the rows, and at most this ``share`` of them."""
    counts = np.bincount(cut.codes[cut.codes >= 0], minlength=len(cut.names))
    return [int(place) for place in np.flatnonzero((counts >= least) & (counts < n) & (counts <= share * n))]


def _sample(n: int, cuts: int, seed: int) -> Rows:
    size = min(n, SEARCH_ROWS, max(SEARCH_ROWS // 5, SEARCH_CELLS // cuts))
    return np.sort(np.random.default_rng(seed).choice(n, size, replace=False))


def _overlap(one: Rows, other: Rows) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)
