"""What is measured of a part of the hold-out: metrics, their interval, and how it compares with rest and champion."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.bootstrap import Estimate, Resampled, resample
from trimtab.evaluation.draws import Draws
from trimtab.evaluation.kinds import Kind

ROWS = 10_000
"""Rows drawn from for an interval of a part; larger parts' intervals are scaled to their size."""
ROUNDS = 200
Rows = NDArray[np.intp]
Json = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """The hold-out as candidate and champion have scored it."""

    kind: Kind
    label: NDArray[Any]
    scores: dict[str, NDArray[Any]]
    """``candidate`` and, where it can be compared, ``champion``."""
    thresholds: dict[str, float]
    comparable: NDArray[np.bool_]
    """Rows that the champion has not learned from, shape (n,)."""
    draws: Draws
    confidence: float
    seed: int

    def estimate(self, rows: Rows) -> Estimate:
        """The candidate's primary metric on the rows, with its interval."""
        return self._scaled(self._resample(rows, ["candidate"]), rows, "candidate")

    def whole(self, rows: Rows, mine: Estimate) -> Json:
        """``metrics`` of the candidate and the ``interval`` of the primary one, which is ``mine``."""
        return {"n": len(rows), "metrics": self._points(rows, "candidate"), "interval": [mine.lo, mine.hi]}

    def against_rest(self, rows: Rows, mine: Estimate) -> Json | None:
        """``mine``, measured on the rows, less the same on all others; null when there are no others.

        The interval is made of those of the two sides, which share no row (MOVER; Zou and Donner 2008).
        """
        others = np.setdiff1d(np.arange(len(self.label)), rows, assume_unique=True)
        if not len(others):
            return None
        rest = self.estimate(others)
        value = mine.value - rest.value
        lower = math.hypot(mine.value - mine.lo, rest.hi - rest.value)
        upper = math.hypot(mine.hi - mine.value, rest.value - rest.lo)
        return {"value": value, "lo": value - lower, "hi": value + upper}

    def against_champion(self, rows: Rows) -> tuple[float | None, Json | None]:
        """The champion's primary metric on the comparable ones of the rows, and the candidate's less it."""
        rows = rows[self.comparable[rows]]
        if "champion" not in self.scores or not len(rows):
            return None, None
        found = self._resample(rows, ["candidate", "champion"])
        points = [self._points(rows, model)[self.kind.primary] for model in ("candidate", "champion")]
        difference = found.difference("candidate", "champion", self.kind.primary)
        scaled = _scale(difference, points[0] - points[1], self._drawn(rows), len(rows))
        return points[1], {"value": scaled.value, "lo": scaled.lo, "hi": scaled.hi}

    def _points(self, rows: Rows, model: str) -> dict[str, float]:
        return self.kind.measure(self.label[rows], self.scores[model][rows], self.thresholds[model])

    def _resample(self, rows: Rows, models: list[str]) -> Resampled:
        if len(rows) > ROWS:
            rows = np.sort(np.random.default_rng(self.seed).choice(rows, ROWS, replace=False))
        return resample(
            {
                model: self.kind.scored(self.label[rows], self.scores[model][rows], self.thresholds[model])
                for model in models
            },
            self.draws.of_rows(rows),
            rounds=ROUNDS,
            confidence=self.confidence,
            seed=self.seed,
            n=len(rows),
        )

    def _scaled(self, found: Resampled, rows: Rows, model: str) -> Estimate:
        point = self._points(rows, model)[self.kind.primary]
        return _scale(found.interval(model, self.kind.primary), point, self._drawn(rows), len(rows))

    def _drawn(self, rows: Rows) -> int:
        return min(len(rows), ROWS)


def _scale(found: Estimate, value: float, drawn: int, n: int) -> Estimate:
    """The interval around ``value`` for ``n`` rows, from that of ``drawn`` of them (Politis, Romano and Wolf 1999)."""
    shrink = math.sqrt(drawn / n)
    return Estimate(value, value + shrink * (found.lo - found.value), value + shrink * (found.hi - found.value))
