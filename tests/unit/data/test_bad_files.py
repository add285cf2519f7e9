"""Files that are broken, foreign or hostile end in a verdict, never in an error, within their memory and time."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.data.corpus import CONTRACT, CSV, LINES, PARQUET, Bad, corpus, flipped
from trimtab.data.limits import Limits
from trimtab.data.read import Format, open_source
from trimtab.data.sandbox import run
from trimtab.data.validate import validate
from trimtab.errors import DataError

MEMORY_MB, SECONDS = 256, 20
CORPUS = {bad.name: bad for bad in corpus()}


def _judge(path: Path, format: Format) -> dict[str, Any]:
    with path.open("rb") as stream:
        return validate(stream, format, CONTRACT).to_json()


def _judged(path: Path, bad: Bad) -> dict[str, Any]:
    path.write_bytes(bad.body)
    outcome = run(_judge, (path, bad.format), memory_mb=MEMORY_MB, seconds=SECONDS)
    assert outcome.failure is None
    report: dict[str, Any] = outcome.value
    return report


def test_the_corpus_is_large_and_no_name_stands_twice() -> None:
    assert len(CORPUS) == len(corpus()) >= 80


@pytest.mark.parametrize("name", CORPUS)
def test_a_file_gets_the_verdict_it_deserves_within_its_memory_and_time(name: str, tmp_path: Path) -> None:
    bad = CORPUS[name]
    report = _judged(tmp_path / "file", bad)
    told = [(found["severity"], found["rule"], found["message"]) for found in report["findings"]]
    assert report["verdict"] == bad.verdict, told
    if bad.rule:
        assert bad.rule in [rule for _, rule, _ in told], told
    assert len(json.dumps(report, allow_nan=False)) < 200_000


@pytest.mark.parametrize("seed", range(20))
def test_flipped_bytes_of_parquet_never_raise(seed: int) -> None:
    validate(io.BytesIO(flipped(PARQUET, seed)), "parquet", CONTRACT)


def test_what_a_file_says_is_shown_harmlessly() -> None:
    body = CSV.replace(b'"red"', b'"=cmd|\x07<script>"', 1)
    report = validate(io.BytesIO(body), "csv", CONTRACT)
    found = next(found for found in report.violations if found.rule == "domain")
    assert found.values == ("=cmd|?<script>",)


def test_personal_data_are_not_repeated_in_the_report() -> None:
    lines = [json.dumps(json.loads(line) | {"note": "ann.o@example.org"}) for line in LINES]
    report = validate(io.BytesIO("\n".join(lines).encode()), "jsonl", CONTRACT)
    found = next(found for found in report.violations if found.rule == "personal_data")
    assert found.count == len(LINES)
    assert found.values[0] == "xxx.x@xxxxxxx.xxx"


def test_a_file_that_unpacks_beyond_what_is_allowed_is_stopped_there() -> None:
    report = validate(io.BytesIO(CSV), "csv", CONTRACT, limits=Limits(bytes_unpacked=5_000))
    assert "more than 5,000 bytes" in report.violations[0].message
    assert report.violations[0].rule == "limits"


def test_long_texts_are_read_from_small_row_groups() -> None:
    notes = pa.table({"note": ["x" * 30_000] * 10})
    limits = Limits(chunk_bytes=200_000)
    columns: Any = {"note": None}
    outcomes: list[int | str] = []
    for rows in (5, 10):
        sink = io.BytesIO()
        pq.write_table(notes, sink, row_group_size=rows, use_dictionary=False)
        sink.seek(0)
        try:
            outcomes.append(sum(chunk.rows for chunk in open_source(sink, "parquet", columns, limits).chunks()))
        except DataError as error:
            outcomes.append(str(error).split(",")[0])
    assert outcomes == [10, "10 values of 'note' in one row group take 300"]


def test_rows_before_a_bomb_are_not_counted_since_their_number_is_chance() -> None:
    body = gzip.compress(CSV + CSV.partition(b"\n")[2] * 200, 9, mtime=0)
    cut_off = validate(io.BytesIO(body), "csv", CONTRACT, limits=Limits(bytes_unpacked=1_500_000))
    assert (cut_off.rows, [found.rule for found in cut_off.violations]) == (0, ["limits"])


def test_a_small_file_of_endlessly_many_rows_is_stopped_by_the_clock(tmp_path: Path) -> None:
    column = pa.array([7] * 1_000_000).dictionary_encode()
    endless = pa.table({name: pa.chunked_array([column] * 30) for name in ("trip", "stops")})
    pq.write_table(endless, tmp_path / "file", compression="zstd")
    assert (tmp_path / "file").stat().st_size < 1_000_000
    outcome = run(_judge, (tmp_path / "file", "parquet"), memory_mb=MEMORY_MB, seconds=0.2)
    assert "longer than 0.2 seconds" in str(outcome.failure)


def test_a_footer_that_promises_more_rows_than_are_there_is_not_believed() -> None:
    sink = io.BytesIO()
    pq.write_table(pq.read_table(io.BytesIO(PARQUET)), sink, row_group_size=5)
    report = validate(io.BytesIO(sink.getvalue()), "parquet", CONTRACT, limits=Limits(batch_rows=3))
    assert report.rows == 300
