"""What decides which rows a dataset holds: the part of a spec that its manifest keeps whole."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyarrow as pa

from trimtab.data.coerce import ARROW_TYPES
from trimtab.ledger import canonical_json
from trimtab.spec import ColumnType, DataSpec, Spec

ID_TYPES = {"integer": pa.int64(), "string": pa.string()}
BIT = pa.int8()
BINARY, MULTICLASS, REGRESSION = "binary", "multiclass", "regression"


@dataclass(frozen=True)
class Shape:
    """What rows of a dataset look like."""

    id: str
    id_type: pa.DataType
    event_time: str | None
    label: str
    columns: tuple[str, ...]
    """All columns that are kept, id, event time and label among them."""
    window_days: int
    label_type: pa.DataType = BIT
    """int8 of 0 and 1 for a binary problem, the column's own for classes, float64 for a regression."""


@dataclass(frozen=True)
class Recipe:
    """From accepted files to rows on both sides of a cut."""

    data: DataSpec
    problem: str
    columns: tuple[str, ...]
    """All columns of the hold-out."""
    unseen: tuple[str, ...]
    """Columns that no model learns from, though its judges look at them."""
    window_days: int
    holdout_share: float
    gap: timedelta

    @classmethod
    def of_spec(cls, spec: Spec) -> "Recipe":
        """The recipe that a spec asks for."""
        data = spec.data
        named = [data.id, *([data.event_time] if data.event_time else []), *data.features, *spec.evaluation.columns]
        named += spec.protected
        return cls(
            data=data,
            problem=spec.problem,
            columns=tuple(dict.fromkeys([*(name for name in named if name != data.label), data.label])),
            unseen=data.protected,
            window_days=spec.training.window_days,
            holdout_share=spec.training.holdout_share,
            gap=timedelta(hours=spec.datasets.gap_hours),
        )

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> "Recipe":
        """The recipe that ``to_json`` wrote."""
        return cls(
            data=DataSpec.model_validate(said["data"]),
            problem=said["problem"],
            columns=tuple(said["columns"]),
            unseen=tuple(said["unseen"]),
            window_days=said["window_days"],
            holdout_share=said["holdout_share"],
            gap=timedelta(hours=said["gap_hours"]),
        )

    def to_json(self) -> dict[str, Any]:
        """All that is needed to make the same rows of the same files again."""
        return {
            "data": self.data.model_dump(mode="json"),
            "problem": self.problem,
            "columns": list(self.columns),
            "unseen": list(self.unseen),
            "window_days": self.window_days,
            "holdout_share": self.holdout_share,
            "gap_hours": self.gap / timedelta(hours=1),
        }

    @property
    def digest(self) -> str:
        """Hex SHA-256."""
        return hashlib.sha256(canonical_json(self.to_json()).encode()).hexdigest()

    @property
    def shape(self) -> Shape:
        """What its rows look like."""
        data = self.data
        return Shape(
            id=data.id,
            id_type=ID_TYPES[data.columns[data.id].type.value],
            event_time=data.event_time,
            label=data.label,
            columns=self.columns,
            window_days=self.window_days,
            label_type=_label_type(self.problem, data.columns[data.label].type),
        )

    @property
    def features(self) -> tuple[str, ...]:
        return self.data.features


def _label_type(problem: str, column: ColumnType) -> pa.DataType:
    if problem == MULTICLASS:
        return ARROW_TYPES[column]
    return BIT if problem == BINARY else pa.float64()
