"""Rows, labels and windows from several files."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from trimtab.datasets.assemble import Assembled, Shape, assemble
from trimtab.datasets.sources import DATA, TRUTH, Source

START = datetime(2026, 1, 1, tzinfo=UTC)
SHAPE = Shape("id", pa.int64(), "at", "failed", ("id", "at", "load", "failed"), window_days=60)


class Files:
    """Sources with their tables."""

    def __init__(self) -> None:
        self.tables: dict[int, pa.Table] = {}
        self.sources: list[Source] = []
        self.read_seqs: list[int] = []

    def data(self, days: range, labels: list[int | None] | None = None, first_id: int = 0, load: float = 1.0) -> Source:
        """One row a day."""
        times = [START + timedelta(days=day) for day in days]
        columns = {
            "id": pa.array(range(first_id, first_id + len(days)), pa.int64()),
            "at": pa.array(times, pa.timestamp("us", "UTC")),
            "load": pa.array([load] * len(days)),
        }
        if labels is not None:
            columns["failed"] = pa.array(labels, pa.int64())
        return self._add(DATA, pa.table(columns), times[0], times[-1])

    def truth(self, labels: dict[int, int]) -> Source:
        table = pa.table({"id": pa.array(labels, pa.int64()), "failed": pa.array(labels.values(), pa.int64())})
        return self._add(TRUTH, table, None, None)

    def _add(self, kind: str, table: pa.Table, start: datetime | None, end: datetime | None) -> Source:
        seq = len(self.sources) + 1
        source = Source(kind, f"s3://drops/{seq}", f"v{seq}", f"{seq:064d}", table.num_rows, start, end, seq)
        self.tables[seq] = table
        self.sources.append(source)
        return source

    def read(self, source: Source, columns: list[str]) -> pa.Table:
        self.read_seqs.append(source.seq)
        table = self.tables[source.seq]
        return table.select([name for name in columns if name in table.column_names])

    def assemble(self) -> Assembled:
        return assemble(self.sources, self.read, SHAPE)


@pytest.fixture
def files() -> Files:
    return Files()


def used(assembled: Assembled) -> dict[int, int]:
    return {source.seq: rows for source, rows in assembled.used}


def test_labels_come_from_the_drop_itself(files: Files) -> None:
    files.data(range(4), [0, 1, None, 1])
    assembled = files.assemble()
    assert assembled.table.column("id").to_pylist() == [0, 1, 3]
    assert assembled.table.column("failed").to_pylist() == [0, 1, 1]


def test_labels_come_from_truth_by_id(files: Files) -> None:
    files.data(range(3))
    files.truth({2: 1, 0: 0, 77: 1})
    assembled = files.assemble()
    assert dict(zip(*(assembled.table.column(name).to_pylist() for name in ("id", "failed")), strict=True)) == {
        0: 0,
        2: 1,
    }
    assert used(assembled) == {1: 2, 2: 2}


def test_nothing_is_labelled_before_its_truth_was_accepted(files: Files) -> None:
    files.data(range(3))
    assert files.assemble().table.num_rows == 0


def test_a_later_truth_corrects_an_earlier_one(files: Files) -> None:
    files.data(range(2))
    files.truth({0: 0, 1: 0})
    files.truth({1: 1})
    assembled = files.assemble()
    assert assembled.table.column("failed").to_pylist() == [0, 1]
    assert used(assembled) == {1: 2, 2: 1, 3: 1}


def test_a_row_of_several_files_counts_once_as_accepted_last(files: Files) -> None:
    files.data(range(5), [0] * 5, load=1.0)
    files.data(range(2, 4), [1] * 2, first_id=2, load=9.0)
    assembled = files.assemble()
    assert assembled.table.column("id").to_pylist() == [0, 1, 2, 3, 4]
    assert assembled.table.column("load").to_pylist() == [1.0, 1.0, 9.0, 9.0, 1.0]
    assert used(assembled) == {1: 3, 2: 2}


def test_the_window_reaches_back_from_the_newest_labelled_row(files: Files) -> None:
    files.data(range(100), [0, 1] * 50)
    files.data(range(100, 130), first_id=100)
    times = files.assemble().table.column("at")
    assert times[0].as_py() == START + timedelta(days=39)
    assert times[-1].as_py() == START + timedelta(days=99)


def test_files_before_the_window_are_not_even_read(files: Files) -> None:
    files.data(range(5), [0, 1, 0, 1, 0])
    files.data(range(200, 205), [0, 1, 0, 1, 0], first_id=200)
    files.assemble()
    assert files.read_seqs == [2]


def test_rows_are_in_order_of_time_whatever_the_order_of_files(files: Files) -> None:
    files.data(range(50, 60), [0, 1] * 5, first_id=50)
    files.data(range(40, 50), [0, 1] * 5, first_id=40)
    times = np.asarray(files.assemble().table.column("at").to_numpy())
    assert (np.diff(times) > np.timedelta64(0)).all()
