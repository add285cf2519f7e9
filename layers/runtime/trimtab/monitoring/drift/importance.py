"""Drift weighted by how much the version leans on each column, so that what matters alarms first."""

from collections.abc import Iterable, Mapping

from trimtab.data.drift import ColumnDrift
from trimtab.data.drift.psi_estimate import Estimate

CERTAIN = 2.326
"""Standard errors above 0 from which on a weighted drift is more than chance: one-sided, 1 %."""


def shares(weights: Mapping[str, float], columns: Iterable[str]) -> dict[str, float]:
    """How much of all importance among these columns each has; 0 for one that the version was not given.

    When none of them has any, all have the same: nothing is known of what matters.
    """
    found = {name: max(weights.get(name, 0.0), 0.0) for name in columns}
    total = sum(found.values())
    return {name: value / total if total else 1 / len(found) for name, value in found.items()}


def weighted(
    columns: Iterable[ColumnDrift],
    estimates: Mapping[str, Estimate],
    weights: Mapping[str, float],
    psi_limit: float,
) -> Estimate | None:
    """Mean PSI of the columns, each counting by its share of the importance; None when nothing was measured.

    Of a column that may move more than ``psi_limit`` (by its own rule, or because its earlier years did) the PSI is
    taken in proportion. The error is the weighted sum of the columns' own: columns may move together, and it is never
    larger than that.
    """
    judged = {found.column: found for found in columns if found.column in estimates}
    if not judged:
        return None
    counts = shares(weights, judged)
    scaled = {name: counts[name] * _scale(found, psi_limit) for name, found in judged.items()}
    value = sum(scaled[name] * estimates[name].value for name in judged)
    return Estimate(value, sum(scaled[name] * estimates[name].error for name in judged))


def _scale(found: ColumnDrift, psi_limit: float) -> float:
    judgement = found.judgement
    return psi_limit / judgement.limit if judgement and judgement.statistic == "psi" else 1.0


def certain(found: Estimate | None) -> float | None:
    """The value where it is more than chance, else 0; None when nothing was measured."""
    if found is None:
        return None
    return found.value if found.value > CERTAIN * found.error else 0.0
