"""One pass over a drop: what is accepted, what is refused, and what the findings say."""

import gzip
import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.data.samples import DATA, csv, parquet, trips
from trimtab.data.limits import Limits
from trimtab.data.read import Format
from trimtab.data.report import DropReport, Verdict
from trimtab.data.validate import validate
from trimtab.data.violation import Violation
from trimtab.spec import DataSpec


def _found(report: DropReport, rule: str, column: str | None = None) -> Violation:
    matching = [found for found in report.violations if found.rule == rule and column in (None, found.column)]
    assert len(matching) == 1, [found.message for found in report.violations]
    return matching[0]


def _jsonl(table: pa.Table) -> io.BytesIO:
    return io.BytesIO("\n".join(json.dumps(row, default=str) for row in table.to_pylist()).encode())


def _changed(**changes: Any) -> DataSpec:
    return DataSpec.model_validate({**DATA.model_dump(), **changes})


def test_a_file_that_keeps_its_contract_is_accepted() -> None:
    report = validate(parquet(trips(400)), "parquet", DATA)
    assert report.verdict is Verdict.ACCEPT
    assert (report.rows, report.rows_in_violation, report.labelled) == (400, 0, True)
    assert report.period is not None
    assert report.period[0].isoformat() == "2026-03-01T00:00:00+00:00"
    assert report.period[1].isoformat() == "2026-03-01T06:39:00+00:00"


def test_every_format_gives_the_same_profile() -> None:
    table = trips(300)
    expected = validate(parquet(table), "parquet", DATA).profile
    assert expected is not None
    packed = io.BytesIO(gzip.compress(csv(table).read()))
    squeezed = io.BytesIO(pa.compress(csv(table).read(), "zstd", asbytes=True))
    files: list[tuple[io.BytesIO, Format]] = [
        (csv(table), "csv"),
        (packed, "csv"),
        (squeezed, "csv"),
        (_jsonl(table), "jsonl"),
    ]
    for stream, format in files:
        found = validate(stream, format, DATA)
        assert found.verdict is Verdict.ACCEPT, found.violations
        assert found.profile is not None
        assert found.profile.to_json() == expected.to_json()


@given(batch_rows=st.integers(1, 500))
@settings(max_examples=15, deadline=None)
def test_the_size_of_batches_changes_nothing(batch_rows: int) -> None:
    table = trips(200).append_column("spare", pa.array(range(200))).set_column(3, "stops", pa.array([*range(199), -1]))
    whole = validate(parquet(table), "parquet", DATA)
    parts = validate(parquet(table), "parquet", DATA, limits=Limits(batch_rows=batch_rows))
    assert parts.violations == whole.violations
    assert parts.profile is not None
    assert whole.profile is not None
    assert parts.profile.columns["miles"].to_json()["sketch"] == whole.profile.columns["miles"].to_json()["sketch"]


def test_a_file_without_its_label_is_accepted_as_unlabelled() -> None:
    table = trips().drop_columns(["late"])
    files: list[tuple[io.BytesIO, Format]] = [(parquet(table), "parquet"), (_jsonl(table), "jsonl")]
    for stream, format in files:
        report = validate(stream, format, DATA)
        assert (report.verdict, report.labelled) == (Verdict.ACCEPT, False)


def test_a_row_whose_label_has_not_come_yet_breaks_no_rule() -> None:
    report = validate(parquet(trips(3, late=[0, None, 1])), "parquet", DATA)
    assert (report.verdict, report.labelled) == (Verdict.ACCEPT, True)


def test_order_of_columns_does_not_matter() -> None:
    table = trips()
    assert validate(parquet(table.select(table.column_names[::-1])), "parquet", DATA).verdict is Verdict.ACCEPT


def test_a_missing_column_names_the_one_it_may_have_become() -> None:
    report = validate(parquet(trips().rename_columns({"miles": "Mile_s", "stops": "zzz"})), "parquet", DATA)
    assert report.verdict is Verdict.QUARANTINE
    assert _found(report, "renamed_column").column == "miles"
    assert "'Mile_s'" in _found(report, "renamed_column").message
    assert _found(report, "missing_column").column == "stops"


def test_a_column_missing_from_json_lines_is_told_once_and_not_row_by_row() -> None:
    report = validate(_jsonl(trips().drop_columns(["stops"])), "jsonl", DATA)
    assert [found.rule for found in report.violations] == ["missing_column"]


def test_a_missing_column_that_the_model_ignores_only_warns() -> None:
    columns = DATA.model_dump()["columns"]
    ignoring = _changed(columns=columns | {"spare": {"type": "number", "role": "ignore"}})
    report = validate(parquet(trips()), "parquet", ignoring)
    assert report.verdict is Verdict.ACCEPT_WARN
    assert _found(report, "missing_column").column == "spare"


def test_an_extra_column_only_warns() -> None:
    report = validate(parquet(trips(3, spare=[1, 2, 3])), "parquet", DATA)
    assert report.verdict is Verdict.ACCEPT_WARN
    assert _found(report, "extra_column").values == ("spare",)


@pytest.mark.parametrize(
    ("attention", "verdict"), [("refuse", Verdict.QUARANTINE), ("warn", Verdict.ACCEPT_WARN), ("off", Verdict.ACCEPT)]
)
def test_an_extra_column_does_what_the_contract_says(attention: str, verdict: Verdict) -> None:
    table = trips().append_column("spare", pa.array([1] * 400))
    assert validate(parquet(table), "parquet", _changed(quality={"extra_columns": attention})).verdict is verdict


@pytest.mark.parametrize("quality", [{"min_rows": 500}, {"max_rows": 300}])
def test_limits_on_rows_may_warn_but_never_let_an_empty_drop_pass(quality: dict[str, Any]) -> None:
    lenient = _changed(quality=quality | {"row_limits": "warn"})
    assert validate(parquet(trips()), "parquet", _changed(quality=quality)).verdict is Verdict.QUARANTINE
    assert validate(parquet(trips()), "parquet", lenient).verdict is Verdict.ACCEPT_WARN
    assert validate(parquet(trips().slice(0, 0)), "parquet", lenient).verdict is Verdict.QUARANTINE


def test_a_repeated_column_is_refused() -> None:
    table = trips(5)
    twice = parquet(pa.table(table.columns, names=["miles" if name == "line" else name for name in table.column_names]))
    text = io.BytesIO(csv(table).read().replace(b'"line"', b'"miles"'))
    files: list[tuple[io.BytesIO, Format]] = [(twice, "parquet"), (text, "csv")]
    for stream, format in files:
        report = validate(stream, format, DATA)
        assert {found.rule for found in report.violations} == {"repeated_column", "missing_column"}
        assert _found(report, "repeated_column").column == "miles"
        assert report.verdict is Verdict.QUARANTINE


@pytest.mark.parametrize(
    ("column", "values", "rule", "shown"),
    [
        ("miles", [1.0, 101.0, -1.0], "range", ("101.0", "-1.0")),
        ("miles", [1.0, float("inf"), 2.0], "finite", ("inf",)),
        ("stops", [1, 99, None], "range", ("99",)),
        ("line", ["red", "violet", "blue"], "domain", ("violet",)),
        ("code", ["AB1", "ab2", "AB3x"], "pattern", ("ab2", "AB3x")),
        ("express", [True, None, False], "not_null", ("None",)),
        ("late", [0, 1, 2], "domain", ("2",)),
        ("trip", [1, None, 3], "not_null", ("None",)),
    ],
)
def test_a_value_that_breaks_a_rule_is_named_with_its_row(
    column: str, values: list[Any], rule: str, shown: tuple[str, ...]
) -> None:
    place = list(DATA.columns).index(column)
    report = validate(parquet(trips(3).set_column(place, column, pa.array(values))), "parquet", DATA)
    violation = _found(report, rule, column)
    assert report.verdict is Verdict.QUARANTINE
    assert violation.count == len(shown)
    assert violation.values == shown
    assert violation.rows == tuple(values.index(value) + 1 for value in values if str(value) in shown)


def test_only_the_first_ten_offending_rows_are_named_and_all_are_counted() -> None:
    table = trips(1_000, stops=[99] * 1_000)
    found = _found(validate(parquet(table), "parquet", DATA, limits=Limits(batch_rows=7)), "range", "stops")
    assert (found.count, found.rows, len(found.values)) == (1_000, tuple(range(1, 11)), 10)


def test_violations_within_the_tolerated_share_of_rows_warn() -> None:
    table = trips(100, stops=[99, *[1] * 99])
    tolerant = _changed(quality={"max_violation_share": 0.01})
    assert validate(parquet(table), "parquet", tolerant).verdict is Verdict.ACCEPT_WARN
    assert validate(parquet(table), "parquet", DATA).verdict is Verdict.QUARANTINE


def test_a_row_that_breaks_two_rules_counts_once() -> None:
    table = trips(4, stops=[99, 1, 1, 1], line=["violet", "red", "red", "red"])
    assert validate(parquet(table), "parquet", DATA).rows_in_violation == 1


def test_a_column_of_another_type_is_refused_as_a_whole() -> None:
    found = _found(validate(parquet(trips(3, miles=["1", "2", "3"])), "parquet", DATA), "type", "miles")
    assert found.measured == "string"
    assert found.limit == "number"


def test_an_unreadable_cell_is_a_finding_with_its_row_and_text() -> None:
    body = csv(trips(5)).read().decode().splitlines()
    cells = body[3].split(",")
    body[3] = ",".join([*cells[:3], "many", *cells[4:]])
    (found,) = validate(io.BytesIO("\n".join(body).encode()), "csv", DATA).violations
    assert (found.rule, found.column) == ("type", "stops")
    assert (found.count, found.rows, found.values) == (1, (3,), ("many",))


def test_repeated_ids_are_found_across_batches() -> None:
    trip = np.arange(100)
    trip[[70, 90]] = trip[[3, 5]]
    report = validate(parquet(trips(100, trip=trip)), "parquet", DATA, limits=Limits(batch_rows=16))
    assert _found(report, "unique", "trip").rows == (71, 91)


def test_too_few_rows_are_refused() -> None:
    report = validate(parquet(trips(5)), "parquet", _changed(quality={"min_rows": 6}))
    assert _found(report, "min_rows").measured == 5
    assert validate(parquet(trips(0)), "parquet", DATA).verdict is Verdict.QUARANTINE


def test_too_large_a_share_of_missing_values_is_refused() -> None:
    table = trips(4, miles=[1.0, None, None, None])
    assert validate(parquet(table), "parquet", DATA).verdict is Verdict.ACCEPT
    report = validate(parquet(table), "parquet", _changed(quality={"max_missing_share": 0.5}))
    assert _found(report, "missing_share", "miles").measured == 0.75


def test_rows_that_cannot_be_cut_into_cells_are_counted_and_later_rows_keep_their_numbers() -> None:
    lines = csv(trips(6)).read().decode().splitlines()
    lines[2] += ",more"
    lines[5] = lines[5].replace(",", ";", 1)
    lines[6] = lines[6].replace(lines[6].split(",")[4], '"violet"')
    report = validate(io.BytesIO("\n".join(lines).encode()), "csv", DATA)
    assert _found(report, "cells_per_row").rows == (2, 5)
    assert _found(report, "domain", "line").rows == (6,)
    assert report.verdict is Verdict.QUARANTINE


def test_a_spec_that_only_warns_lets_bad_values_in_but_not_a_file_it_cannot_use() -> None:
    lenient = _changed(on_violation="warn")
    assert validate(parquet(trips(3, stops=[99, 1, 1])), "parquet", lenient).verdict is Verdict.ACCEPT_WARN
    assert validate(parquet(trips(3).drop_columns(["stops"])), "parquet", lenient).verdict is Verdict.QUARANTINE


def test_truth_needs_only_id_and_label_and_passes_over_the_rest() -> None:
    truth = trips(10).select(["trip", "late", "line"])
    report = validate(csv(truth), "csv", DATA, kind="truth")
    assert (report.verdict, report.rows, report.labelled, report.period) == (Verdict.ACCEPT, 10, True, None)


@pytest.mark.parametrize(
    ("truth", "rule"),
    [
        (pa.table({"trip": [1, 2], "late": [0, 7]}), "domain"),
        (pa.table({"trip": [1, 1], "late": [0, 1]}), "unique"),
        (pa.table({"trip": [1, 2], "tardy": [0, 1]}), "missing_column"),
        (pa.table({"trip": [1, 2], "late": pa.nulls(2, pa.int8())}), "no_truth"),
    ],
)
def test_truth_goes_through_a_gate_of_its_own(truth: pa.Table, rule: str) -> None:
    report = validate(parquet(truth), "parquet", DATA, kind="truth")
    assert report.verdict is Verdict.QUARANTINE
    assert rule in [found.rule for found in report.violations]


def test_drift_warns_and_never_refuses() -> None:
    reference = validate(parquet(trips(2_000)), "parquet", DATA).profile
    report = validate(parquet(trips(2_000, miles=np.full(2_000, 99.0))), "parquet", DATA, reference)
    assert report.verdict is Verdict.ACCEPT_WARN
    assert _found(report, "drift", "miles").measured == report.drift[0].psi
    assert {drift.column for drift in report.drift} == set(DATA.features)


def test_a_file_like_the_reference_has_not_drifted() -> None:
    reference = validate(parquet(trips(2_000, seed=1)), "parquet", DATA).profile
    assert validate(parquet(trips(2_000, seed=2)), "parquet", DATA, reference).verdict is Verdict.ACCEPT


def test_a_report_reads_back_as_it_was_written() -> None:
    reference = validate(parquet(trips(100)), "parquet", DATA).profile
    report = validate(parquet(trips(100, stops=[99] * 100)), "parquet", DATA, reference)
    again = DropReport.from_json(json.loads(json.dumps(report.to_json(), allow_nan=False)))
    assert again.to_json() == report.to_json()
    assert again.verdict is report.verdict
