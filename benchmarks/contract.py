"""The contract of the benchmark's tables as plain objects, which cost no import of pydantic."""

from dataclasses import dataclass
from typing import Any

from benchmarks.rules import SPEC
from trimtab.column_types import ColumnType
from trimtab.data.contract import Contract
from trimtab.data.validate import Gate


@dataclass(frozen=True)
class PlainColumn:
    """A column of a contract without pydantic."""

    type: ColumnType
    role: str = "feature"
    nullable: bool = False
    max_missing_share: float | None = None
    range: tuple[float, float] | None = None
    domain: tuple[str, ...] | None = None
    pattern: str | None = None
    unique: bool = False
    monotonic: str | None = None
    references: str | None = None
    personal: bool = False
    warn: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlainQuality:
    """The limits of a contract without pydantic; the checks that are on by default are on."""

    min_rows: int = 50_000
    max_rows: int | None = None
    max_missing_share: float = 1.0
    max_violation_share: float = 0.001
    duplicate_rows: str = "off"
    label_leakage: str = "refuse"
    personal_data: str = "warn"
    freshness_hours: float | None = None
    row_limits: str = "refuse"
    extra_columns: str = "warn"


def plain_gate(reference: Any) -> Gate:
    """The gate that the spec describes."""
    rules: dict[str, dict[str, Any]] = {name: dict(column) for name, column in SPEC["columns"].items()}
    rules["event_id"] |= {"unique": True}
    rules["is_fraud"] |= {"nullable": True}
    columns: Any = {name: PlainColumn(**(rule | {"type": ColumnType(rule["type"])})) for name, rule in rules.items()}
    features = tuple(name for name in columns if name not in ("event_id", "event_time", "is_fraud"))
    quality: Any = PlainQuality()
    contract = Contract(
        columns, frozenset({"is_fraud"}), quality, "event_time", "event_id", "is_fraud",
        label_required=False, closed=True, lenient=False, features=features,
    )  # fmt: skip
    return Gate(contract, (*features, "event_time", "is_fraud"), features, reference)
