"""The two tables of the benchmark: twenty columns, the second moved, with violations; made from a seed.

    python -m benchmarks.tables FOLDER ROWS [parquet|csv]

writes ``reference_ROWS`` and ``current_ROWS``. Eight floats, four integers, five categories of 3 to 5,000 levels, an
event time, a unique text and a boolean. In the current table two floats and a category have moved, a column has four
times the missing values, and ten rows break a rule.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

BLOCK_ROWS = 250_000
GROUP_ROWS = 131_072
LEVELS = {"channel": 3, "device": 12, "country": 40, "city": 600, "merchant": 5_000}
FIRST_TIME = np.datetime64("2026-01-01T00:00:00", "us")

Random = np.random.Generator


def block(first_row: int, rows: int, random: Random, *, moved: bool) -> pa.Table:
    """Some consecutive rows of one of the tables."""
    columns: dict[str, Any] = {
        "event_id": [f"EV{row:012d}" for row in range(first_row, first_row + rows)],
        "event_time": FIRST_TIME + (first_row + np.arange(rows)) * np.timedelta64(1_500_000, "us"),
        **_floats(rows, random, moved=moved),
        **_integers(rows, random),
        **{name: _levels(name, count, rows, random, moved=moved) for name, count in LEVELS.items()},
        "is_fraud": random.random(rows) < 0.02,
    }
    table = pa.table(columns)
    return _spoilt(table) if moved and first_row == 0 else table


def _floats(rows: int, random: Random, *, moved: bool) -> dict[str, pa.Array]:
    values = {
        "amount": random.lognormal(3.2 if moved else 3.0, 1.0, rows),
        "balance": random.normal(0, 2_500, rows),
        "income": np.round(random.gamma(4, 12_000, rows), 2),
        "latency_ms": random.exponential(180 if moved else 150, rows),
        "score": random.beta(2, 5, rows),
        "discount": np.round(random.random(rows) * 0.5, 2),
        "lat": random.uniform(-60, 70, rows),
        "lon": random.uniform(-180, 180, rows),
    }
    missing = {"balance": 0.02, "income": 0.08 if moved else 0.02, "discount": 0.3, "lat": 0.01, "lon": 0.01}
    return {
        name: pa.array(numbers, mask=random.random(rows) < missing[name] if name in missing else None)
        for name, numbers in values.items()
    }


def _integers(rows: int, random: Random) -> dict[str, Any]:
    return {
        "age": random.integers(18, 96, rows).astype(np.int32),
        "tenure_months": random.integers(0, 400, rows).astype(np.int32),
        "n_items": 1 + random.poisson(2.5, rows),
        "rating": pa.array(random.integers(1, 6, rows), mask=random.random(rows) < 0.1),
    }


def _levels(name: str, count: int, rows: int, random: Random, *, moved: bool) -> pa.Array:
    weights = 1 / np.arange(1, count + 1)
    if moved and name == "channel":
        weights = weights[::-1]
    names = pa.array([f"{name}_{level:04d}" for level in range(count)])
    return names.take(pa.array(random.choice(count, rows, p=weights / weights.sum())))


def _spoilt(table: pa.Table) -> pa.Table:
    """Ten rows break the contract: a score above one, an unknown channel, an id of the wrong shape."""
    spoilt: dict[str, list[Any]] = {"score": [1.5] * 4, "channel": ["fax"] * 4, "event_id": ["X1", "X2"]}
    for name, values in spoilt.items():
        rest = table.column(name).combine_chunks().slice(len(values))
        column = pa.concat_arrays([pa.array(values, rest.type), rest])
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def blocks(rows: int, *, moved: bool) -> Iterator[pa.Table]:
    """One of the tables, block by block; the same every time."""
    random = np.random.default_rng(2 if moved else 1)
    for first_row in range(0, rows, BLOCK_ROWS):
        yield block(first_row, min(BLOCK_ROWS, rows - first_row), random, moved=moved)


def write(folder: Path, rows: int, format: str) -> None:
    """Both tables stand in the folder; those that are there already stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("reference", "current"):
        path = folder / f"{name}_{rows}.{format}"
        if path.exists():  # made from a seed, so that it is the same
            continue
        parts = blocks(rows, moved=name == "current")
        scratch = path.with_suffix(".part")
        (_write_parquet if format == "parquet" else _write_csv)(scratch, parts)
        scratch.rename(path)


def _write_parquet(path: Path, parts: Iterator[pa.Table]) -> None:
    first = next(parts)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first, GROUP_ROWS)
        for part in parts:
            writer.write_table(part, GROUP_ROWS)


def _write_csv(path: Path, parts: Iterator[pa.Table]) -> None:
    first = next(parts)
    with csv.CSVWriter(path, first.schema) as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "parquet")
