"""What a transformation may learn from: the training rows' labels, and folds among them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.features.block import Floats


@dataclass(frozen=True)
class Training:
    """The labels of the training rows, and what decides which rows share a fold."""

    targets: Floats
    """Shape (rows, targets): the label of 0 and 1, the number, or for each class whether the row is of it."""
    names: tuple[str, ...]
    """Of each target; empty text where there is only one."""
    times: NDArray[Any] | None
    """Event times, None without."""
    seed: int

    @classmethod
    def of(cls, label: NDArray[Any], problem: str, times: NDArray[Any] | None, seed: int) -> "Training":
        """From a label column, shape (rows,), of a ``binary``, ``multiclass`` or ``regression`` problem."""
        if problem != "multiclass":
            return cls(np.asarray(label, dtype=np.float64).reshape(-1, 1), ("",), times, seed)
        classes = sorted(set(np.asarray(label).tolist()))
        targets = np.column_stack([(np.asarray(label) == each).astype(np.float64) for each in classes])
        return cls(targets, tuple(str(each) for each in classes), times, seed)

    def folds(self, count: int, by: str) -> NDArray[np.intp]:
        """The fold (from 0) of each row: equal stretches of time (or of the rows' order), or equal shares by lot."""
        rows = len(self.targets)
        if by == "random":
            order = np.random.default_rng(self.seed).permutation(rows)
        elif self.times is not None:
            order = np.argsort(self.times, kind="stable")
        else:
            order = np.arange(rows)
        found = np.empty(rows, dtype=np.intp)
        for fold, members in enumerate(np.array_split(order, count)):
            found[members] = fold
        return found
