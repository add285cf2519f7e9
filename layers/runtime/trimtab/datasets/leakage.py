"""What would let a model be asked what it has been told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trimtab.data.hashing import spread, text_hashes
from trimtab.datasets.recipe import REGRESSION, Recipe
from trimtab.datasets.signals import tells_classes, tells_number
from trimtab.datasets.split import Split
from trimtab.errors import DataError
from trimtab.spec import LeakageRule

SHOWN = 5
MOST_ROWS: Final = 50_000
"""Rows of each side, evenly spread, from which a column's knowledge of the label is measured."""
_NOTHING: Final = np.uint64(0x9E3779B97F4A7C15)
"""Stands for what is missing."""


@dataclass(frozen=True)
class Leakage:
    """What was measured, and what follows from it."""

    figures: dict[str, Any]
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return self.figures | {"refusals": list(self.refusals), "warnings": list(self.warnings)}


def shared_ids(train: Any, holdout: Any) -> pa.Array:
    """Ids that are in both (Arrow arrays of one type), each once."""
    both = pc.unique(holdout.filter(pc.is_in(holdout, value_set=train)))
    return both.combine_chunks() if isinstance(both, pa.ChunkedArray) else both


def check_no_leakage(train: pa.Table, holdout: pa.Table, id_column: str) -> None:
    """No id is on both sides. Raises DataError that names some that are."""
    both = shared_ids(_whole(train, id_column), _whole(holdout, id_column))
    if len(both):
        shown = ", ".join(str(value) for value in both[:SHOWN].to_pylist())
        raise DataError(f"{len(both)} rows are in training and in hold-out ({id_column} {shown}): nothing was written")


def measure_leakage(split: Split, recipe: Recipe, rule: LeakageRule, early_labels: int) -> Leakage:
    """The figures of a split whose sides both have rows, held against the rule."""
    features = [name for name in recipe.features if name in split.train.column_names]
    overlap, expected = overlap_shares(split, [*features, recipe.data.label])
    columns = column_knowledge(split, features, recipe)
    later = later_shares(split.train, features, recipe.data.event_time)
    figures = {
        "overlap_share": overlap,
        "expected_overlap_share": expected,
        "columns": columns,
        "measure": "r2" if recipe.problem == REGRESSION else "auc",
        "later_shares": later,
        "early_labels": early_labels,
    }
    refusals = [*_overlap_refusals(overlap, expected, rule), *_column_refusals(columns, recipe, rule)]
    lateness = _lateness(later) if rule.later_columns != "off" else []
    if rule.later_columns == "refuse":
        refusals += lateness
    warnings = [] if rule.later_columns == "refuse" else lateness
    if early_labels:
        warnings.append(f"{early_labels:,} labels were accepted before their rows' own event time")
    return Leakage(figures, tuple(refusals), tuple(warnings))


def overlap_shares(split: Split, columns: Sequence[str]) -> tuple[float, float]:
    """Share of hold-out rows equal to a training row in all ``columns``, and the share to be expected of such rows.

    That is the share of training rows that have such a twin among themselves: data of few levels have many.
    """
    train, holdout = row_hashes(split.train, columns), row_hashes(split.holdout, columns)
    _, counts = np.unique(train, return_counts=True)
    return float(np.isin(holdout, train).mean()), float(counts[counts > 1].sum() / len(train))


def row_hashes(table: pa.Table, columns: Sequence[str]) -> NDArray[np.uint64]:
    """A hash of each row, equal for rows that are equal in all columns."""
    made = np.zeros(table.num_rows, dtype=np.uint64)
    for name in columns:
        made = spread(made * np.uint64(3) + _hashes(_whole(table, name)))
    return made


def _hashes(column: pa.Array) -> NDArray[np.uint64]:
    missing = np.asarray(pc.is_null(column, nan_is_null=pa.types.is_floating(column.type)))
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        found = text_hashes(column)
    elif pa.types.is_floating(column.type):
        values = np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64) + 0.0  # -0 is 0
        found = spread(np.where(missing, 0.0, values).view(np.uint64))
    else:
        whole = column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column
        found = spread(np.asarray(whole.cast(pa.int64()).fill_null(0)).view(np.uint64).copy())
    return np.where(missing, _NOTHING, found)


def column_knowledge(split: Split, features: Sequence[str], recipe: Recipe) -> dict[str, float | None]:
    """By feature how well it alone tells the label: AUC, for a regression R²; None where that cannot be told."""
    train, holdout = _thinned(split.train), _thinned(split.holdout)
    label, found = recipe.data.label, dict[str, float | None]()
    known, asked = (np.asarray(_whole(side, label).to_numpy(zero_copy_only=False)) for side in (train, holdout))
    measure = tells_number if recipe.problem == REGRESSION else tells_classes
    for name in features:
        found[name] = measure(_whole(train, name), _whole(holdout, name), known, asked)
    return found


def _thinned(table: pa.Table) -> pa.Table:
    if table.num_rows <= MOST_ROWS:
        return table
    return table.take(pa.array(np.linspace(0, table.num_rows - 1, MOST_ROWS).astype(np.int64)))


def later_shares(table: pa.Table, features: Sequence[str], event_time: str | None) -> dict[str, float]:
    """By timestamp among the features, the share of rows in which it lies after the row's event time."""
    if event_time is None:
        return {}
    times = _whole(table, event_time)
    return {
        name: float(np.asarray(pc.fill_null(pc.greater(_whole(table, name), times), False)).mean())
        for name in features
        if pa.types.is_timestamp(table.schema.field(name).type)
    }


def _overlap_refusals(overlap: float, expected: float, rule: LeakageRule) -> list[str]:
    if overlap - expected <= rule.max_overlap_share:
        return []
    return [
        f"{overlap:.1%} of the hold-out rows equal a training row in all features and label, where {expected:.1%} were"
        f" to be expected (datasets.leakage.max_overlap_share {rule.max_overlap_share:.1%}): were rows dropped twice"
        " under new ids?"
    ]


def _column_refusals(columns: dict[str, float | None], recipe: Recipe, rule: LeakageRule) -> list[str]:
    regression = recipe.problem == REGRESSION
    limit, measure = (rule.max_column_r2, "R²") if regression else (rule.max_column_auc, "AUC")
    return [
        f"'{name}' alone tells the label ({measure} {value:.4f}, limit {limit:g}): if it is not known before the"
        f" label is, make it role: ignore; if it is, add it to datasets.leakage.known_columns"
        for name, value in columns.items()
        if value is not None and value >= limit and name not in rule.known_columns
    ]


def _lateness(shares: dict[str, float]) -> list[str]:
    return [
        f"'{name}' lies after the event time in {share:.1%} of the rows: is it known when the model is asked?"
        for name, share in shares.items()
        if share > 0
    ]


def _whole(table: pa.Table, name: str) -> pa.Array:
    return pa.concat_arrays(table.column(name).chunks or [pa.array([], table.schema.field(name).type)])
