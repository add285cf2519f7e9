"""The contract of the benchmark's tables, as a spec says it and as plain objects that cost no import."""

from dataclasses import dataclass
from typing import Any

from trimtab.column_types import ColumnType
from trimtab.data.contract import Contract
from trimtab.data.validate import Gate

_DOMAINS = {"channel": 3, "device": 12, "country": 40}
_RANGES = {
    "amount": (0, 1e7), "income": (0, 1e7), "latency_ms": (0, 1e5), "score": (0, 1), "discount": (0, 1),
    "lat": (-90, 90), "lon": (-180, 180), "age": (18, 95), "tenure_months": (0, 1000), "n_items": (1, 100),
    "rating": (1, 5),
}  # fmt: skip
_NULLABLE = {"balance", "income", "discount", "lat", "lon", "rating"}
_TYPES = {
    "event_id": "string", "event_time": "timestamp",
    **dict.fromkeys(("amount", "balance", "income", "latency_ms", "score", "discount", "lat", "lon"), "number"),
    **dict.fromkeys(("age", "tenure_months", "n_items", "rating"), "integer"),
    **dict.fromkeys(("channel", "device", "country", "city", "merchant"), "string"),
    "is_fraud": "boolean",
}  # fmt: skip


def _column(name: str) -> dict[str, Any]:
    rules: dict[str, Any] = {"type": _TYPES[name], "nullable": name in _NULLABLE}
    if name in _RANGES:
        rules["range"] = _RANGES[name]
    if name in _DOMAINS:
        rules["domain"] = tuple(f"{name}_{level:04d}" for level in range(_DOMAINS[name]))
    return rules | ({"pattern": "EV[0-9]{12}"} if name == "event_id" else {})


SPEC: dict[str, Any] = {
    "id": "event_id",
    "event_time": "event_time",
    "label": "is_fraud",
    "columns": {name: _column(name) for name in _TYPES},
    "quality": {"min_rows": 50_000, "max_violation_share": 0.001},
}
"""The data section of a model.yaml."""


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
