"""Count, mean, variance and extremes of a column of numbers, mergeable."""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from trimtab.data.kernel import kernel


@dataclass(frozen=True)
class Moments:
    """First two moments and the extremes of finite numbers, in the column's unit.

    ``spread`` is the sum of squared distances from the mean. Merged after Chan, Golub and LeVeque (1979), so the order
    of merging may change the last bits of mean and spread; count, minimum and maximum never.
    """

    count: int = 0
    mean: float = 0.0
    spread: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf

    @classmethod
    def of(cls, values: npt.NDArray[Any], counts: npt.NDArray[np.int64] | None = None) -> Self:
        """The moments of finite numbers, each as often as ``counts`` says (once when None)."""
        if not len(values):
            return cls()
        return cls.between(values, (values.min(), values.max()), counts)

    @classmethod
    def between(
        cls, values: npt.NDArray[Any], extremes: tuple[Any, Any], counts: npt.NDArray[np.int64] | None = None
    ) -> Self:
        """The moments of at least one number when the smallest and the largest are known."""
        floats = np.ascontiguousarray(values, np.float64)
        if counts is None:
            count, (mean, spread) = len(values), kernel().mean_and_spread(floats)
        else:
            count = int(counts.sum())
            mean = float((floats * counts).sum()) / count
            apart = floats - mean
            spread = float(np.einsum("i,i->", apart, apart * counts))  # a dot product that starts no threads
        return cls(count, mean, spread, float(extremes[0]), float(extremes[1]))

    def merge(self, other: Self) -> Self:
        """The moments of both sets of numbers together."""
        count = self.count + other.count
        if not self.count or not other.count:
            return self if self.count else other
        gap = other.mean - self.mean
        return type(self)(
            count=count,
            mean=self.mean + gap * other.count / count,
            spread=self.spread + other.spread + gap * gap * self.count * other.count / count,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
        )

    @property
    def standard_deviation(self) -> float:
        """Of a sample (divided by count - 1), in the column's unit; 0 for fewer than two numbers."""
        return math.sqrt(self.spread / (self.count - 1)) if self.count > 1 else 0.0

    def to_json(self) -> dict[str, Any]:
        """A mapping of JSON values; the extremes of no numbers are absent."""
        return dict(vars(self)) if self.count else {"count": 0}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The moments that ``to_json`` wrote."""
        return cls(**document)
