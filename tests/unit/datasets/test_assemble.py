"""Rows, labels and windows from several files."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from trimtab.datasets.assemble import Assembled, NotReady, assemble
from trimtab.datasets.recipe import Shape
from trimtab.datasets.sources import DATA, TRUTH, Source

START = datetime(2026, 1, 1, tzinfo=UTC)
INTEGER = pa.int64()
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

    def truth(self, labels: dict[int, Any] | list[tuple[int, Any]], type_: pa.DataType = INTEGER) -> Source:
        said = list(labels.items()) if isinstance(labels, dict) else labels
        ids, values = zip(*said, strict=True)
        table = pa.table({"id": pa.array(ids, pa.int64()), "failed": pa.array(values, type_)})
        return self._add(TRUTH, table, None, None)

    def _add(self, kind: str, table: pa.Table, start: datetime | None, end: datetime | None) -> Source:
        seq = len(self.sources) + 1
        source = Source(kind, f"s3://drops/{seq}", f"v{seq}", f"{seq:064d}", table.num_rows, start, end, seq)
        self.tables[seq] = table
        self.sources.append(source)
        return source

    def read(self, source: Source, columns: list[str]) -> Iterator[pa.Table]:
        """Three rows at a time."""
        self.read_seqs.append(source.seq)
        table = self.tables[source.seq]
        held = table.select([name for name in columns if name in table.column_names])
        return (held.slice(start, 3) for start in range(0, held.num_rows, 3))

    def assemble(self, shape: Shape = SHAPE, **limits: Any) -> Assembled:
        return assemble(self.sources, self.read, shape, **limits)


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


def labels(assembled: Assembled) -> dict[int, Any]:
    columns = (assembled.table.column(name).to_pylist() for name in ("id", "failed"))
    return dict(zip(*columns, strict=True))


def test_of_two_truths_in_two_files_the_later_file_s_counts(files: Files) -> None:
    """Whatever the order of the files' days, and however often the label changes."""
    files.data(range(3))
    for said in ({0: 0, 1: 1}, {0: 1}, {0: 0, 2: 1}):
        files.truth(said)
    assert labels(files.assemble()) == {0: 0, 1: 1, 2: 1}


def test_a_truth_that_says_two_things_of_an_id_says_nothing(files: Files) -> None:
    files.data(range(4), [1, 1, 0, 0])
    files.truth({0: 0, 1: 0})
    files.truth([(0, 0), (0, 1), (1, 1), (1, 1)])
    assembled = files.assemble()
    assert labels(assembled) == {1: 1, 2: 0, 3: 0}
    assert assembled.contradictions == 1


def test_a_later_truth_settles_a_contradiction(files: Files) -> None:
    files.data(range(2))
    files.truth([(0, 0), (0, 1), (1, 0)])
    files.truth({0: 1})
    assert labels(files.assemble()) == {0: 1, 1: 0}


def test_classes_and_numbers_are_labels_too(files: Files) -> None:
    files.data(range(2))
    files.truth({0: "red", 1: "blue"}, pa.string())
    assert labels(files.assemble(replace(SHAPE, label_type=pa.string()))) == {0: "red", 1: "blue"}
    files.sources.pop()
    files.truth({0: 1.5, 1: -2.25}, pa.float64())
    assert labels(files.assemble(replace(SHAPE, label_type=pa.float64()))) == {0: 1.5, 1: -2.25}


def test_labels_that_came_before_their_events_are_counted(files: Files) -> None:
    files.data(range(4))
    files.truth(dict.fromkeys(range(4), 1))
    files.sources[-1] = replace(files.sources[-1], at=START + timedelta(days=2, hours=1))
    assert files.assemble().early_labels == 1


def test_only_the_window_is_held_in_memory(files: Files) -> None:
    """Two years of rows take the memory of sixty days, give or take the rows read at a time."""
    files.data(range(700, 730), [0, 1] * 15, first_id=700)
    files.data(range(700), [0, 1] * 350)
    whole = files.assemble().table
    assert whole.num_rows == 61
    assert files.assemble(max_megabytes=2 * whole.nbytes / 2**20).table.equals(whole)


def test_rows_before_the_window_are_dropped_whatever_their_order_in_the_file(files: Files) -> None:
    files.data(range(200), [0, 1] * 100)
    once = files.assemble()
    assert files.assemble(max_megabytes=8 * once.table.nbytes / 2**20).table.equals(once.table)


def test_a_window_that_does_not_fit_is_refused_with_what_to_do(files: Files) -> None:
    files.data(range(50), [0, 1] * 25)
    with pytest.raises(NotReady, match=r"shorten training\.window_days, .* raise datasets\.max_megabytes"):
        files.assemble(max_megabytes=0.0005)


def test_a_window_that_begins_where_it_is_told_to(files: Files) -> None:
    files.data(range(100), [0, 1] * 50)
    assembled = files.assemble(start=START + timedelta(days=90))
    assert assembled.table.column("id").to_pylist() == list(range(90, 100))
