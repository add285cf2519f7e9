"""The gate on a Spark data frame: Trimtab's own scan looks at each partition, and what they show is one report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from trimtab.data.checks import checks_of
from trimtab.data.reading import Reading
from trimtab.data.report import DropReport
from trimtab.data.scan import Scan
from trimtab.data.source import Chunk
from trimtab.data.state_file import read_state, write_state
from trimtab.data.validate import Gate, Partial, conclude
from trimtab.data.violation import Severity, Violation

FORMAT: Final = "spark"
MOST_TASKS: Final = 256
"""Partial results that the driver brings together; a table of more partitions is read by so many tasks."""
_COLUMNS: Final = "partition int, state binary"

Batches = Iterator[pa.RecordBatch]


def judge_frame(frame: Any, gate: Gate) -> DropReport:
    """The report on a ``pyspark.sql.DataFrame``: that of one pass over its rows.

    Rules, counts, levels, histograms and drift are equal to the last bit, means and spreads but for the order of
    adding. Columns go by name. Rows have no order in a lake: a finding counts its rows within the partition that held
    them, and rules on order (monotonic) are not judged, which is a warning. Uniqueness needs 8 bytes a row and column
    (texts: 16) on the driver's disk, and a part of that in its memory.
    """
    asked = without_order(gate)
    with tempfile.TemporaryDirectory(prefix="lake-") as scratch:
        partials = looked_at(frame, asked, Path(scratch))
        return conclude(partials, asked, unordered(gate))


def looked_at(frame: Any, gate: Gate, scratch: Path, first: int = 0) -> list[Partial]:
    """What each task has seen, in an empty folder that has to stay; partitions are counted from ``first``."""
    names = tuple(frame.columns)
    wanted = [name for name in gate.contract.columns if names.count(name) == 1]
    found = frame.select([f"`{name.replace('`', '``')}`" for name in wanted])
    if found.rdd.getNumPartitions() > MOST_TASKS:
        found = found.coalesce(MOST_TASKS)
    rows = found.mapInArrow(_looker(replace(gate, reference=None), names, first), _COLUMNS)
    return _collected(rows, gate, scratch) or [_nothing(gate, names)]


def without_order(gate: Gate) -> Gate:
    """The gate without rules on the order of rows."""
    columns = {name: column.model_copy(update={"monotonic": None}) for name, column in gate.contract.columns.items()}
    return replace(gate, contract=replace(gate.contract, columns=columns))


def unordered(gate: Gate) -> list[Violation]:
    """A warning for each rule on the order of rows."""
    return [
        Violation("monotonic", name, f"'{name}' was not held to an order, which rows in a lake have not", Severity.WARN)
        for name, column in gate.contract.columns.items()
        if column.monotonic is not None
    ]


def _looker(gate: Gate, names: Sequence[str], first: int) -> Callable[[Batches], Batches]:
    def look(batches: Batches) -> Batches:
        """Runs in a task: what the partition shows, as one row. No value makes it fail, so Spark retries nothing."""
        from pyspark import TaskContext

        context = TaskContext.get()
        place = first + (context.partitionId() if context else 0)
        scan = _scan(gate)
        for batch in batches:
            columns = {name: batch.column(name) for name in batch.schema.names}
            scan.add(Chunk(scan.rows + 1, batch.num_rows, columns))
        yield pa.RecordBatch.from_pydict(
            {"partition": pa.array([place], pa.int32()), "state": [_packed(_partial(place, names, scan))]}
        )

    return look


def _scan(gate: Gate) -> Scan:
    return Scan(gate.contract, gate.profiled, text=False, watchers=checks_of(gate.contract))


def _partial(place: int, names: Sequence[str], scan: Scan) -> Partial:
    return Partial(f"partition {place}", Reading(FORMAT), tuple(names), scan, rows_read=scan.rows)


def _nothing(gate: Gate, names: Sequence[str]) -> Partial:
    """What a table without partitions shows."""
    return _partial(0, names, _scan(gate))


def _packed(partial: Partial) -> bytes:
    with tempfile.TemporaryDirectory(prefix="partition-") as scratch:
        write_state(Path(scratch, "state"), partial.state())
        return Path(scratch, "state").read_bytes()


def _collected(rows: Any, gate: Gate, scratch: Path) -> list[Partial]:
    """What the partitions show, in their order; one at a time comes to the driver, and stays on its disk."""
    for row in rows.toLocalIterator():
        (scratch / f"{row['partition']:06d}").write_bytes(row["state"])
    return [Partial.of_state(read_state(path), gate) for path in sorted(scratch.iterdir())]
