"""How much a model leans on each feature: what its primary metric loses when the feature's values are shuffled.

Permutation importance after Breiman (2001), "Random Forests", on a sample of the hold-out.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.kinds import Kind

SAMPLE_ROWS = 1_000
Record = dict[str, Any]


def sample(n: int, seed: int) -> NDArray[np.intp]:
    """Positions of at most SAMPLE_ROWS of ``n`` rows, ascending."""
    generator = np.random.default_rng(seed)
    return np.sort(generator.choice(n, min(n, SAMPLE_ROWS), replace=False))


def shuffled_blocks(records: Sequence[Record], features: Sequence[str], seed: int) -> Iterator[list[Record]]:
    """For each feature the same records with that feature's values in another order."""
    for position, name in enumerate(features):
        order = np.random.default_rng([seed, position]).permutation(len(records))
        yield [record | {name: records[other][name]} for record, other in zip(records, order, strict=True)]


def importance(
    features: Sequence[str], label: NDArray[Any], scores: NDArray[Any], shuffled: NDArray[Any], kind: Kind
) -> dict[str, float]:
    """How much worse the kind's primary metric gets by feature, largest first.

    ``shuffled`` has shape (features, rows[, k]), the label (rows,).
    """
    sign = 1 if kind.higher_is_better else -1
    whole = kind.measure(label, scores)[kind.primary]
    lost = {
        name: sign * (whole - kind.measure(label, row)[kind.primary])
        for name, row in zip(features, shuffled, strict=True)
    }
    return dict(sorted(lost.items(), key=lambda item: -item[1]))
