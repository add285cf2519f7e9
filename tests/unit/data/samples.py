"""A small contract and tables that keep or break it."""

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from trimtab.spec import DataSpec

DATA = DataSpec.model_validate(
    {
        "id": "trip",
        "event_time": "started",
        "label": "late",
        "columns": {
            "trip": {"type": "integer"},
            "started": {"type": "timestamp"},
            "miles": {"type": "number", "range": [0, 100], "nullable": True},
            "stops": {"type": "integer", "range": [0, 9]},
            "line": {"type": "string", "domain": ["red", "green", "blue"]},
            "code": {"type": "string", "pattern": "[A-Z]{2}[0-9]+", "role": "key"},
            "express": {"type": "boolean"},
            "late": {"type": "integer", "domain": [0, 1]},
        },
    }
)


def trips(rows: int = 400, seed: int = 0, **columns: Any) -> pa.Table:
    """A table that keeps the contract, but for the columns given."""
    random = np.random.default_rng(seed)
    started = np.datetime64("2026-03-01T00:00:00", "us") + np.arange(rows) * np.timedelta64(60_000_000, "us")
    kept = {
        "trip": np.arange(rows) + 1,
        "started": started,
        "miles": np.round(random.gamma(2, 5, rows).clip(0, 100), 3),
        "stops": random.integers(0, 10, rows),
        "line": random.choice(["red", "green", "blue"], rows, p=[0.6, 0.3, 0.1]),
        "code": [f"AB{number}" for number in range(rows)],
        "express": random.random(rows) < 0.3,
        "late": random.integers(0, 2, rows),
    }
    return pa.table({**kept, **columns})


def parquet(table: pa.Table) -> io.BytesIO:
    """The table as a Parquet file."""
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return io.BytesIO(stream.getvalue())


def csv(table: pa.Table) -> io.BytesIO:
    """The table as a CSV file."""
    stream = io.BytesIO()
    pc.write_csv(table, stream)
    return io.BytesIO(stream.getvalue())


def rounded(value: Any) -> Any:
    """JSON values with numbers of ten digits, as many as any order of adding gives."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value
