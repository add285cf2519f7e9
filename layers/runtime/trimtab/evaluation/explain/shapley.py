"""Shapley values of single answers, by sampling: what each feature adds on the way from another row to this one.

Permutation sampling with antithetic pairs, after Štrumbelj and Kononenko (2014), "Explaining prediction models and
individual predictions with feature contributions", and Mitchell et al. (2022), "Sampling permutations for Shapley
value estimation". The model is asked as it is served, so any model can be explained; one walk's contributions add up to
the difference of the two answers at its ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.metrics import Floats

Record = dict[str, Any]


@dataclass(frozen=True)
class Walks:
    """For each explained row pairs of walks from background rows to it, changing one feature a step."""

    features: tuple[str, ...]
    orders: NDArray[np.intp]
    """Shape (rows, walks, features); walks 2k and 2k + 1 are each other's reverse."""
    starts: NDArray[np.intp]
    """Background row in which each walk begins, shape (rows, walks)."""

    @classmethod
    def plan(cls, features: Sequence[str], rows: int, pairs: int, background: int, seed: int) -> "Walks":
        """``pairs`` pairs of walks for each of ``rows`` rows, from ``background`` rows drawn at random."""
        random = np.random.default_rng([seed, 1])
        forward = random.permuted(np.tile(np.arange(len(features)), (rows, pairs, 1)), axis=2)
        orders = np.stack([forward, forward[:, :, ::-1]], axis=2).reshape(rows, 2 * pairs, len(features))
        return cls(tuple(features), orders, np.repeat(random.integers(background, size=(rows, pairs)), 2, axis=1))

    @property
    def steps(self) -> int:
        """Answers that the model has to give."""
        return int(self.orders.size + self.starts.size)

    def requests(self, explained: Sequence[Record], background: Sequence[Record]) -> Iterator[list[Record]]:
        """The rows to score, one block for each explained row, walk after walk from its start to the row."""
        for row, record in enumerate(explained):
            yield [
                step
                for start, order in zip(self.starts[row], self.orders[row], strict=True)
                for step in self._walk(background[start], record, order)
            ]

    def _walk(self, start: Record, end: Record, order: NDArray[np.intp]) -> Iterator[Record]:
        step = end | {name: start[name] for name in self.features}
        yield step
        for place in order:
            name = self.features[place]
            step = step | {name: end[name]}
            yield step

    def contributions(self, scores: Floats) -> tuple[Floats, Floats]:
        """Mean contribution of each feature to each row, (rows, features), and the mean start of its walks, (rows,).

        ``scores`` are the answers to ``requests``, shape (steps,).
        """
        rows, walks, width = self.orders.shape
        path = scores.reshape(rows, walks, width + 1)
        found = np.zeros((rows, walks, width))
        np.put_along_axis(found, self.orders, np.diff(path, axis=2), axis=2)
        return found.mean(axis=1), path[:, :, 0].mean(axis=1)
