"""A suggested contract accepts the file it was made from, and says of each column what an author would."""

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.data import as_yaml
from tests.unit.data.corpus import decimal_commas
from tests.unit.data.real_data import DATA_SETS
from tests.unit.data.samples import csv, parquet, trips
from trimtab.data.read import Format
from trimtab.data.report import DropReport, Verdict
from trimtab.data.suggest import Named, read_sample, suggest
from trimtab.data.validate import validate
from trimtab.errors import DataError
from trimtab.spec import parse_spec


def section_of(stream: io.BytesIO, format: Format, named: Named = Named()) -> dict[str, Any]:  # noqa: B008
    return suggest(read_sample(stream, format), format, named)


def judged(stream: io.BytesIO, format: Format, named: Named = Named()) -> DropReport:  # noqa: B008
    """The report on a file under the contract that was suggested from it, by way of a model.yaml."""
    text = "name: suggested\n" + as_yaml(section_of(stream, format, named)) + "training: {entry_point: train.py}\n"
    stream.seek(0)
    return validate(stream, format, parse_spec(text).data)


def jsonl(table: pa.Table) -> io.BytesIO:
    return io.BytesIO("\n".join(json.dumps(row, default=str) for row in table.to_pylist()).encode())


def test_columns_are_described_as_an_author_would() -> None:
    section = section_of(parquet(trips()), "parquet")
    columns = section["columns"]
    assert (section["id"], section["event_time"], section["label"]) == ("trip", "started", "late")
    assert columns["trip"] == {"type": "integer", "unique": True}
    assert columns["line"] == {"type": "string", "domain": ["blue", "green", "red"]}
    assert columns["code"] == {"type": "string", "role": "key", "pattern": "[A-Z]{2}[0-9]+"}
    assert columns["late"] == {"type": "integer", "domain": [0, 1]}
    assert columns["miles"]["range"][0] == 0
    assert columns["miles"]["range"][1] > trips()["miles"].to_numpy().max()


@pytest.mark.parametrize(("rows", "least"), [(40, 1), (400, 4), (51_955, 500)])
def test_a_drop_may_be_much_smaller_than_the_sample(rows: int, least: int) -> None:
    section = section_of(parquet(trips(rows)), "parquet")
    assert section["quality"] == {"min_rows": least}


def test_a_column_of_one_value_has_no_rule_on_values() -> None:
    section = section_of(parquet(trips(stops=[3] * 400, line=["red"] * 400)), "parquet")
    assert section["columns"]["stops"] == {"type": "integer"}
    assert "domain" not in section["columns"]["line"]


FILES: list[tuple[Any, Format]] = [(parquet, "parquet"), (csv, "csv"), (jsonl, "jsonl")]


@pytest.mark.parametrize(("write", "format"), FILES)
def test_a_suggestion_accepts_its_own_file_in_every_format(write: Any, format: Format) -> None:
    assert judged(write(trips()), format).verdict is Verdict.ACCEPT


def test_the_dialect_of_a_csv_file_becomes_part_of_the_contract() -> None:
    body = io.BytesIO(decimal_commas())
    assert section_of(body, "csv")["csv"] == {"delimiter": ";", "decimal": ","}
    assert judged(io.BytesIO(decimal_commas()), "csv").verdict is Verdict.ACCEPT


def test_a_file_without_a_label_gets_one_that_truth_brings() -> None:
    table = trips().drop_columns(["late"])
    section = section_of(parquet(table), "parquet")
    assert (section["label"], section["columns"]["label"]["nullable"]) == ("label", True)
    assert judged(parquet(table), "parquet").verdict is Verdict.ACCEPT


def test_columns_may_be_named_by_hand_and_must_exist() -> None:
    assert section_of(parquet(trips()), "parquet", Named(label="express"))["label"] == "express"
    with pytest.raises(DataError, match="no column is called 'nope': name a column with --id"):
        section_of(parquet(trips()), "parquet", Named(id="nope"))


@pytest.mark.parametrize(
    ("body", "format"), [(b"", "csv"), (b"a,b\n", "csv"), (b"PAR1", "parquet"), (b"[1]\n", "jsonl"), (b"x\n", "jsonl")]
)
def test_a_file_that_says_nothing_is_a_sentence(body: bytes, format: Format) -> None:
    with pytest.raises(DataError):
        section_of(io.BytesIO(body), format)


ROWS = 60
FEW = st.integers(1, 12)


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """A column of a few or many different values, some of them missing."""
    present = FEW.flatmap(lambda few: st.lists(values, min_size=few, max_size=few))
    columns = st.one_of(present.map(lambda few: (few * ROWS)[:ROWS]), st.lists(values, min_size=ROWS, max_size=ROWS))
    return st.tuples(columns, st.sampled_from([0, 2, 7])).map(
        lambda drawn: [None if drawn[1] and place % drawn[1] == 1 else v for place, v in enumerate(drawn[0])]
    )


TEXT = st.text(alphabet="aB1 -+,\"'\n:#{é", max_size=5)
COLUMN = st.one_of(
    some(st.floats(-1e9, 1e9)).map(lambda values: pa.array(values, pa.float64())),
    some(st.integers(-(2**50), 2**50)).map(lambda values: pa.array(values, pa.int64())),
    some(st.integers(-3, 30)).map(lambda values: pa.array(values, pa.int8())),
    some(st.booleans()).map(lambda values: pa.array(values, pa.bool_())),
    some(st.datetimes()).map(lambda values: pa.array(values, pa.timestamp("us"))),
    some(st.sampled_from(["NA", "", "null", "1.5", "2024-01-01", "true", "x"])).map(lambda v: pa.array(v, pa.string())),
    some(TEXT).map(lambda values: pa.array(values, pa.string())),
    some(st.decimals(-999, 999, places=2)).map(lambda values: pa.array(values, pa.decimal128(12, 2))),
)
NAME = st.text(alphabet="ab :#'-é{", min_size=1, max_size=4)


@pytest.mark.parametrize(("write", "format"), FILES)
@given(columns=st.dictionaries(NAME, COLUMN, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_a_suggestion_loads_and_accepts_its_own_file_whatever_the_names_and_values(
    write: Any, format: Format, columns: dict[str, pa.Array]
) -> None:
    label = np.random.default_rng(0).permutation([0, 1] * (ROWS // 2))  # no column is drawn that happens to equal it
    table = pa.table({"row id": np.arange(ROWS), **columns, "label": label})
    report = judged(write(table), format, Named(id="row id"))
    assert report.verdict is not Verdict.QUARANTINE, report.violations


def test_codes_are_a_domain_and_counts_a_range() -> None:
    random = np.random.default_rng(0)
    codes, counts = random.integers(0, 18, 4_000), random.poisson(4, 4_000)
    columns = section_of(parquet(trips(4_000, stops=codes, express=counts)), "parquet")["columns"]
    assert columns["stops"]["domain"] == list(range(18))
    assert "domain" not in columns["express"]
    assert columns["express"]["range"][0] == 0


@pytest.mark.parametrize("name", DATA_SETS)
def test_a_suggestion_from_real_data_accepts_them(name: str) -> None:
    table = pa.Table.from_pandas(DATA_SETS[name]().reference, preserve_index=False)
    for write, format in FILES[:2]:
        report = judged(write(table), format, Named(id="row", label="label"))
        assert report.verdict is not Verdict.QUARANTINE, report.violations


def test_what_counts_as_missing_is_what_the_gate_takes_for_missing() -> None:
    rows = "".join(f"{number},{number % 2},{place},{depth}\n" for number, (place, depth) in enumerate(PLACES * 20))
    body = io.BytesIO(f"id,y,place,depth\n{rows}".encode())
    section = section_of(body, "csv")
    assert section["columns"]["place"] == {"type": "string", "nullable": True, "domain": ["", "NA", "US"]}
    assert section["columns"]["depth"]["nullable"] is True
    body.seek(0)
    assert judged(body, "csv").verdict is Verdict.ACCEPT


PLACES = [("US", "1.5"), ("NA", "2.5"), ('""', "NA"), ("", "3.5")]


def test_nan_in_parquet_is_missing() -> None:
    stream = parquet(trips(miles=[float("nan"), 1.5] * 200))
    assert section_of(stream, "parquet")["columns"]["miles"]["nullable"] is True
    stream.seek(0)
    assert judged(stream, "parquet").verdict is Verdict.ACCEPT


@pytest.mark.parametrize("name", ["", "? x", "- a", "a: b", "#c", "yes", "1", "two\nlines", "x" * 300, "{}", "'", '"'])
def test_any_name_of_a_column_can_be_written_into_model_yaml(name: str) -> None:
    stream = parquet(trips().append_column(name, pa.array([1.5] * 400)))
    section = section_of(stream, "parquet")
    assert list(yaml.safe_load(as_yaml(section))["data"]["columns"]) == list(section["columns"])


@pytest.mark.parametrize(
    ("format", "body", "sentence"),
    [
        ("csv", b"a,a\n1,2\n", "2 columns called 'a'"),
        ("jsonl", b'{"a": NaN}\n', "NaN is not a JSON number"),
        ("jsonl", b'{"a": %d}\n' % 10**30, "not one JSON object a line"),
        ("jsonl", b'{"a": ' + b"[" * 100_000 + b"}\n", "not one JSON object a line"),
        ("jsonl", json.dumps({f"c{number}": 1 for number in range(3_000)}).encode(), "has 3,000 columns"),
        ("parquet", parquet(trips(0)).getvalue(), "no rows"),
        ("parquet", parquet(trips(line=pa.array([b"\xff"] * 400).view(pa.string()))).getvalue(), "UTF8"),
    ],
)
def test_what_tells_nothing_is_said_so(format: Format, body: bytes, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read_sample(io.BytesIO(body), format)


def test_dates_written_as_text_are_times_except_in_parquet_which_has_times_of_its_own() -> None:
    dated = trips(line=["2024-01-01", "2024-01-02"] * 200)
    kinds = {form: section_of(write(dated), form)["columns"]["line"]["type"] for write, form in FILES}
    assert kinds == {"parquet": "string", "csv": "timestamp", "jsonl": "timestamp"}


def test_names_of_rows_beyond_64_bits_with_sign_are_refused_before_a_contract_refuses_their_file() -> None:
    huge = pa.array([2**63 + row for row in range(400)], pa.uint64())
    with pytest.raises(DataError, match=r"'trip' has whole numbers beyond 2\*\*63 - 1.*write them as text"):
        section_of(parquet(trips(trip=huge).select(["trip", "miles", "late"])), "parquet")
    repeated = trips().append_column("vendor", huge)
    section = section_of(parquet(repeated), "parquet")
    assert section["columns"]["vendor"]["type"] == "number"
    assert judged(parquet(repeated), "parquet").verdict is Verdict.ACCEPT
    with pytest.raises(DataError, match="'vendor' has whole numbers"):
        section_of(parquet(repeated), "parquet", Named(id="vendor"))
    small = trips(trip=pa.array(range(400), pa.uint64()))
    assert judged(parquet(small), "parquet").verdict is Verdict.ACCEPT
