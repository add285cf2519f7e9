"""What the benchmark's tables are held against, as a model.yaml says it. Imports nothing, for the peers read it too."""

from typing import Any

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
