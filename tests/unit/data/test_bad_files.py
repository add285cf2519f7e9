"""Files that are broken, foreign or hostile end in a report that refuses them, never in an error."""

import gzip
import io
import json
import struct
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.data.samples import DATA, csv, parquet, trips
from trimtab.data.limits import Limits
from trimtab.data.read import Format
from trimtab.data.report import DropReport, Verdict
from trimtab.data.validate import validate

PARQUET = parquet(trips(2_000)).getvalue()
CSV = csv(trips(2_000)).getvalue()
ROW = json.dumps(trips(1).to_pylist()[0], default=str)


def _flipped(body: bytes, seed: int) -> bytes:
    random = np.random.default_rng(seed)
    broken = bytearray(body)
    for place in random.integers(4, len(body) - 4, 40):
        broken[place] ^= 0xFF
    return bytes(broken)


def _huge_footer() -> bytes:
    return PARQUET[:-8] + struct.pack("<I", 0x7FFF_FFFF) + b"PAR1"


def _wide_csv() -> bytes:
    return ",".join(f"c{number}" for number in range(10_000)).encode() + b"\n" + b",".join([b"1"] * 10_000)


def _nested() -> bytes:
    return parquet(trips(2, miles=[[1.0], [2.0]])).getvalue()


FORMATS: tuple[Format, ...] = ("parquet", "csv", "jsonl")
BROKEN: dict[str, tuple[Format, Callable[[], bytes], str]] = {
    "empty": ("parquet", lambda: b"", "empty"),
    "empty csv": ("csv", lambda: b"", "empty"),
    "only a mark": ("parquet", lambda: b"PAR1", "not readable as Parquet"),
    "not parquet": ("parquet", lambda: CSV, "not the mark PAR1"),
    "a footer longer than the file": ("parquet", _huge_footer, "not readable as Parquet"),
    "parquet called csv": ("csv", lambda: PARQUET, "is Parquet although"),
    "a zip archive": ("csv", lambda: b"PK\x03\x04" + b"x" * 100, "zip archive"),
    "utf-16": ("csv", lambda: "a,b\n1,2\n".encode("utf-16"), "save it as UTF-8"),
    "latin-1 header": ("csv", lambda: "größe,b\n1,2\n".encode("latin-1"), "byte 3 of the file is not UTF-8"),
    "latin-1 cell": ("csv", lambda: CSV.replace(b'"red"', '"größe"'.encode("latin-1"), 1), "is not UTF-8"),
    "semicolons": ("csv", lambda: CSV.replace(b",", b";"), "semicolons"),
    "blank lines only": ("csv", lambda: b"\n\n\n", "no header"),
    "half a gzip": ("csv", lambda: gzip.compress(CSV)[:9_000], "cannot be decompressed"),
    "a gzip with a wrong checksum": ("csv", lambda: gzip.compress(CSV)[:-8] + b"12345678", "cannot be decompressed"),
    "half a zstd": ("csv", lambda: pa.compress(CSV, "zstd", asbytes=True)[:9_000], "cannot be decompressed"),
    "10,000 columns": ("csv", _wide_csv, "10,000 columns"),
    "a row of 3 MB": ("csv", lambda: CSV + b'"' + b"x" * 3_000_000 + b'"\n', "longer than is read at once"),
    "a character cut at the end": ("csv", lambda: CSV + "9,ß".encode()[:-1], "is not UTF-8"),
    "no json": ("jsonl", lambda: ROW.encode() + b"\nnot json\n", "line 2 is not JSON"),
    "a json array": ("jsonl", lambda: b"[1, 2]\n", "line 1 is a JSON list"),
    "json cut off": ("jsonl", lambda: ROW.encode()[:-5], "line 1 is not JSON"),
    "json with NaN": ("jsonl", lambda: b'{"trip": NaN}\n', "NaN is not a JSON number"),
    "deep json": ("jsonl", lambda: b"[" * 500_000, "line 1 is not JSON"),
    "a line of 2 MB": ("jsonl", lambda: b'{"a": "' + b"x" * 2_000_000 + b'"}', "longer than"),
    "latin-1 json": ("jsonl", lambda: '{"line": "größe"}'.encode("latin-1"), "is not UTF-8"),
    "many keys": ("jsonl", lambda: json.dumps({f"k{n}": 1 for n in range(5_000)}).encode(), "5,000 columns"),
}


def _judged(format: Format, body: bytes) -> DropReport:
    report = validate(io.BytesIO(body), format, DATA)
    assert json.dumps(report.to_json(), allow_nan=False)
    return report


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(name: str) -> None:
    format, body, message = BROKEN[name]
    report = _judged(format, body())
    assert report.verdict is Verdict.QUARANTINE
    assert report.violations[0].rule == "readable"
    assert message in report.violations[0].message


def test_a_file_that_unpacks_without_end_is_stopped_where_it_becomes_absurd() -> None:
    body = gzip.compress(CSV + b"\n" * 8_000_000)
    report = validate(io.BytesIO(body), "csv", DATA, limits=Limits(ratio_from=1_000_000, ratio=50))
    assert "decompression bomb" in report.violations[0].message
    report = validate(io.BytesIO(body), "csv", DATA, limits=Limits(bytes_unpacked=3_000_000))
    assert "more than 3,000,000 bytes" in report.violations[0].message


def test_a_quote_left_open_is_refused() -> None:
    assert _judged("csv", CSV + b'9,"' + b"x,y\n" * 400_000).verdict is Verdict.QUARANTINE


@pytest.mark.parametrize("share", [0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999])
def test_a_parquet_file_cut_anywhere_is_refused(share: float) -> None:
    assert _judged("parquet", PARQUET[: int(len(PARQUET) * share)]).verdict is Verdict.QUARANTINE


@pytest.mark.parametrize("seed", range(20))
def test_a_parquet_file_with_flipped_bytes_never_raises(seed: int) -> None:
    _judged("parquet", _flipped(PARQUET, seed))


@pytest.mark.parametrize("seed", range(10))
def test_a_compressed_file_with_flipped_bytes_is_refused(seed: int) -> None:
    assert _judged("csv", _flipped(gzip.compress(CSV), seed)).verdict is Verdict.QUARANTINE


@pytest.mark.parametrize("seed", range(10))
def test_a_csv_file_with_flipped_bytes_is_refused(seed: int) -> None:
    assert _judged("csv", _flipped(CSV, seed)).verdict is Verdict.QUARANTINE


@pytest.mark.parametrize("seed", range(10))
def test_random_bytes_never_raise(seed: int) -> None:
    body = np.random.default_rng(seed).bytes(5_000)
    for format in FORMATS:
        assert _judged(format, body).verdict is Verdict.QUARANTINE


def test_nested_columns_are_a_conflict_of_types() -> None:
    assert "list<" in str(_judged("parquet", _nested()).violations[0].measured)


def test_formulas_and_control_characters_are_shown_harmlessly() -> None:
    body = CSV.replace(b'"red"', b'"=cmd|\x07<script>"', 1)
    found = next(found for found in _judged("csv", body).violations if found.rule == "domain")
    assert found.values == ("=cmd|?<script>",)


def test_a_file_of_nothing_but_nan_is_refused_for_its_missing_ids() -> None:
    nothing = pa.table({name: pa.array([float("nan")] * 50) for name in DATA.columns})
    rules = {found.rule for found in _judged("parquet", parquet(nothing).getvalue()).violations}
    assert {"not_null", "type"} <= rules


def test_a_header_without_rows_is_too_few_rows() -> None:
    for body in (CSV.split(b"\n", 1)[0], CSV.split(b"\n", 1)[0] + b"\n"):
        assert [found.rule for found in _judged("csv", body).violations] == ["min_rows"]


def test_a_parquet_file_without_any_of_the_columns_is_refused() -> None:
    assert _judged("parquet", parquet(pa.table({"x": [1]})).getvalue()).verdict is Verdict.QUARANTINE


def test_a_footer_that_promises_more_rows_than_are_there_is_not_believed() -> None:
    sink = io.BytesIO()
    pq.write_table(trips(10), sink, row_group_size=5)
    report = validate(io.BytesIO(sink.getvalue()), "parquet", DATA, limits=Limits(batch_rows=3))
    assert report.rows == 10
