"""Of a window too large to be held, labels are kept before anything else."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.fakes import MemoryObjects
from tests.unit.monitoring.labelled import records, spec, without_truth
from trimtab.monitoring import seen
from trimtab.monitoring.quality import measure_window
from trimtab.monitoring.records import LABEL, VERSION
from trimtab.monitoring.reference import Reference
from trimtab.monitoring.seen import Seen, Windows
from trimtab.monitoring.tables import write_table

URI = "s3://captures/w.parquet"


@pytest.fixture(autouse=True)
def _small(monkeypatch: Any) -> None:
    monkeypatch.setattr(seen, "MOST_ROWS", 1000)
    monkeypatch.setattr(seen, "ENOUGH", 200)


def read(table: pa.Table) -> Seen:
    objects = MemoryObjects()
    write_table(objects, URI, table)
    return Windows(spec(), objects).read("w", URI, table.num_rows, 1, Reference())


def labelled(rows: int, of: int = 10_000) -> pa.Table:
    return without_truth(records(of), np.arange(of) % (of // rows) != 0)


def kept(found: Seen) -> tuple[int, int]:
    known = found.records.num_rows - found.records.column(LABEL).null_count
    return known, found.records.num_rows - known


def test_few_labels_among_many_rows_are_all_measured() -> None:
    found = read(labelled(400))
    known, others = kept(found)
    assert (known, found.labelled, found.rows) == (400, 400, 10_000)
    assert others == pytest.approx(600, abs=120)
    measured = measure_window("w", found.records, 1, Reference(), spec(), found.labelled / found.rows)
    assert (measured.judged, measured.n) == (True, 400)


def test_of_many_labels_a_sample_is_measured_beside_some_rows_without() -> None:
    known, others = kept(read(labelled(5000)))
    assert known == pytest.approx(1000, abs=150)
    assert others == pytest.approx(200, abs=70)


def test_a_small_window_is_kept_whole_and_one_without_truth_is_sampled() -> None:
    assert kept(read(labelled(300, of=900))) == (300, 600)
    plain = records(10_000).drop_columns([LABEL])
    assert read(plain).records.num_rows == pytest.approx(1000, abs=150)


def test_coverage_is_that_of_the_window_and_not_of_the_sample() -> None:
    found = read(labelled(400))
    asked = spec(quality={"min_coverage": 0.1})
    measured = measure_window("w", found.records, 1, Reference(), asked, found.labelled / found.rows)
    assert measured.reason == "truth of 4% of the records, less than 10%"


def test_labels_of_another_version_do_not_count() -> None:
    table = labelled(400)
    versions = np.where(np.arange(10_000) % 2 == 0, 2, 1)
    found = read(table.set_column(table.column_names.index(VERSION), VERSION, pa.array(versions)))
    assert (found.rows, found.labelled, kept(found)[0]) == (5000, 200, 200)
