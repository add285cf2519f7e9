"""The sample of rows takes no more memory the more rows there are."""

import pyarrow as pa

from trimtab.data.batch import ColumnBatch
from trimtab.data.row_sample import ROWS, SampleTally

BATCH_ROWS = 4_000
LEVELS = pa.array([f"level {number:06d}" for number in range(20_000)])


def add_batch(tally: SampleTally, number: int) -> None:
    """Rows of a text in a dictionary of its own, as every row group has one."""
    first = number * BATCH_ROWS
    ids = ColumnBatch(pa.array(range(first, first + BATCH_ROWS), pa.int64()))
    codes = pa.array([row % 7 for row in range(BATCH_ROWS)], pa.int32())
    dictionary = pa.concat_arrays([LEVELS])
    tally.add(ids, {"id": ids, "level": ColumnBatch(pa.DictionaryArray.from_arrays(codes, dictionary))})


def test_rows_drawn_from_a_dictionary_do_not_keep_it() -> None:
    tally = SampleTally(("id", "level"))
    before = pa.total_allocated_bytes()
    for number in range(20):
        add_batch(tally, number)
    assert len(tally.sample) == ROWS
    assert set(tally.sample.columns["level"]) == {f"level {number:06d}" for number in range(7)}
    assert pa.total_allocated_bytes() - before < LEVELS.nbytes * 2
