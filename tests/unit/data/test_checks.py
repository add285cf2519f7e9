"""Rules that need more than one value: what breaks them, where, and that cutting a drop into files changes nothing."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.data.samples import DATA, parquet, trips
from trimtab.data.contract import NO_OCCASION, Occasion
from trimtab.data.keys import KeySet
from trimtab.data.report import DropReport, Verdict
from trimtab.data.validate import Gate, conclude, examine, validate
from trimtab.data.violation import Severity, Violation
from trimtab.errors import DataError
from trimtab.spec import DataSpec

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def contract(columns: dict[str, dict[str, Any]] | None = None, **changes: Any) -> DataSpec:
    """The sample contract with more said of some columns, and of the drop."""
    whole = DATA.model_dump()
    for name, more in (columns or {}).items():
        whole["columns"][name] = whole["columns"].get(name, {}) | more
    return DataSpec.model_validate(whole | changes)


def judged(table: pa.Table, data: DataSpec, occasion: Occasion = NO_OCCASION) -> DropReport:
    return validate(parquet(table), "parquet", data, occasion=occasion)


def only(report: DropReport, rule: str) -> Violation:
    (found,) = [violation for violation in report.violations if violation.rule == rule]
    return found


def replaced(table: pa.Table, **columns: Any) -> pa.Table:
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    return table


def test_a_row_that_breaks_a_rule_across_columns_is_named_with_its_cells() -> None:
    data = contract(checks=[{"check": "miles <= 90 or express", "name": "far only by express"}])
    table = trips(4, miles=[95.0, 95.0, None, 1.0], express=[True, False, False, False])
    report = judged(table, data)
    found = only(report, "check")
    assert report.verdict is Verdict.QUARANTINE
    assert (found.count, found.rows, found.limit) == (1, (2,), "far only by express")
    assert found.values == ("miles = 95.0, express = False",)
    assert report.rows_in_violation == 1


def test_a_rule_across_columns_may_only_warn_and_then_no_row_counts_as_broken() -> None:
    data = contract(checks=[{"check": "miles < 0", "severity": "warn"}])
    report = judged(trips(4), data)
    assert (report.verdict, report.rows_in_violation) == (Verdict.ACCEPT_WARN, 0)


def test_few_enough_broken_rows_only_warn() -> None:
    data = contract(checks=[{"check": "miles < 90"}], quality={"max_violation_share": 0.25})
    assert judged(trips(4, miles=[95.0, 1.0, 1.0, 1.0]), data).verdict is Verdict.ACCEPT_WARN


@pytest.mark.parametrize(
    ("column", "values", "monotonic", "rows"),
    [
        ("stops", [1, 3, 2, 2, 5], "increasing", (3,)),
        ("stops", [1, 3, 2, 2, 5], "strictly_increasing", (3, 4)),
        ("miles", [1.0, None, 0.5, 2.0, 1.0], "increasing", (3, 5)),
    ],
)
def test_values_that_go_back_are_named(column: str, values: list[Any], monotonic: str, rows: tuple[int, ...]) -> None:
    data = contract({column: {"monotonic": monotonic}})
    report = judged(replaced(trips(5), **{column: values}), data)
    assert only(report, "monotonic").rows == rows
    assert report.verdict is Verdict.QUARANTINE


def test_times_that_go_back_may_only_warn() -> None:
    data = contract({"started": {"monotonic": "increasing", "warn": ["monotonic"]}})
    table = trips(50)
    assert judged(table, data).verdict is Verdict.ACCEPT
    assert judged(table.take(pa.array(range(49, -1, -1))), data).verdict is Verdict.ACCEPT_WARN


def test_a_key_that_another_data_set_does_not_have_is_named() -> None:
    data = contract({"line": {"domain": None, "references": "lines"}})
    keys = KeySet.loads(KeySet.of("string", pa.array(["red", "green", "red", None])).dumps())
    table = trips(4, line=["red", "blue", "green", "red"])
    found = only(judged(table, data, Occasion(keys={"lines": keys})), "references")
    assert (found.rows, found.values, found.severity) == ((2,), ("blue",), Severity.REFUSE)
    assert "none of the 2 keys of 'lines'" in found.message


def test_a_reference_whose_keys_nobody_stored_warns_that_it_was_not_checked() -> None:
    data = contract({"line": {"domain": None, "references": "lines"}})
    found = only(judged(trips(4), data), "references")
    assert (found.severity, "are not stored" in found.message) == (Severity.WARN, True)


def test_keys_that_cannot_be_read_say_so() -> None:
    for body in (b"", b"[]", b'{"version": 9}', b'{"version": 1, "type": "string", "keys": [1]}'):
        with pytest.raises(DataError, match="store them again"):
            KeySet.loads(body)


def test_events_outside_the_window_are_named_and_only_when_the_time_of_the_drop_is_known() -> None:
    data = contract(event_window={"past_days": 1, "future_hours": 1})
    started = [NOON - timedelta(days=2), NOON, NOON + timedelta(hours=2), NOON]
    table = trips(4, started=pa.array(started, pa.timestamp("us", "UTC")))
    found = [v for v in judged(table, data, Occasion(NOON)).violations if v.rule == "event_window"]
    assert [violation.rows for violation in found] == [(1,), (3,)]
    assert judged(table, data).verdict is Verdict.ACCEPT


def test_data_that_are_not_fresh_are_refused() -> None:
    data = contract(quality={"freshness_hours": 3})
    table = trips(10)
    assert judged(table, data, Occasion(NOON - timedelta(hours=10))).verdict is Verdict.ACCEPT
    found = only(judged(table, data, Occasion(NOON)), "freshness")
    assert found.severity is Severity.REFUSE
    assert found.measured == pytest.approx(11.85)


def test_too_many_rows_are_refused() -> None:
    assert only(judged(trips(9), contract(quality={"max_rows": 8})), "max_rows").measured == 9


def test_a_column_has_a_limit_of_its_own_for_missing_values() -> None:
    table = trips(4, miles=[1.0, None, None, 2.0])
    assert only(judged(table, contract({"miles": {"max_missing_share": 0.25}})), "missing_share").measured == 0.5


def test_a_rule_that_only_warns_refuses_no_file() -> None:
    data = contract({"stops": {"warn": ["range", "type", "not_null"]}})
    report = judged(trips(3, stops=[1, 99, None]), data)
    assert (report.verdict, report.rows_in_violation) == (Verdict.ACCEPT_WARN, 0)


def test_a_feature_that_equals_the_label_is_refused() -> None:
    late = np.tile([0, 1], 100)
    for copied in (late, late.astype(float), late.astype(bool)):
        column = "express" if copied.dtype == bool else "stops" if copied.dtype == int else "miles"
        report = judged(replaced(trips(200, late=late), **{column: copied}), DATA)
        found = only(report, "label_leakage")
        assert (found.column, found.measured, report.verdict) == (column, "equal", Verdict.QUARANTINE)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("miles", np.where(np.tile([0, 1], 100) == 1, 60.0, 20.0) + np.arange(200) / 100),
        ("line", np.where(np.tile([0, 1], 100) == 1, "red", "blue")),
        ("express", np.tile([1, 0], 100).astype(bool)),
    ],
)
def test_a_feature_that_tells_the_label_warns(column: str, values: Any) -> None:
    table = replaced(trips(200, late=np.tile([0, 1], 100)), **{column: values})
    report = judged(table, DATA)
    assert (only(report, "label_leakage").measured, report.verdict) == ("determines", Verdict.ACCEPT_WARN)
    assert judged(table, contract(quality={"label_leakage": "off"})).verdict is Verdict.ACCEPT


@pytest.mark.parametrize("late", [[0, 1] * 30, [1] * 15 + [0] * 200])
def test_too_few_rows_prove_no_leakage(late: list[int]) -> None:
    table = trips(len(late), late=late, line=["red" if label else "blue" for label in late])
    assert judged(table, DATA).verdict is Verdict.ACCEPT


def test_rows_that_repeat_another_but_for_the_id_are_found_when_asked_for() -> None:
    table = pa.concat_tables([trips(50), trips(50).slice(3, 2)])
    table = replaced(table, trip=range(52))
    assert judged(table, DATA).verdict is Verdict.ACCEPT
    found = only(judged(table, contract(quality={"duplicate_rows": "warn"})), "duplicate_rows")
    assert (found.count, found.rows, found.severity) == (2, (51, 52), Severity.WARN)
    assert judged(table, contract(quality={"duplicate_rows": "refuse"})).verdict is Verdict.QUARANTINE


def test_a_missing_value_and_an_empty_one_are_not_the_same_row() -> None:
    data = contract({"code": {"pattern": None, "nullable": True}}, quality={"duplicate_rows": "warn"})
    table = replaced(pa.concat_tables([trips(1), trips(1)]), trip=[1, 2], code=["", None])
    assert judged(table, data).verdict is Verdict.ACCEPT


def test_a_column_known_to_be_personal_is_not_worth_a_warning() -> None:
    mails = [f"p{row}@example.org" for row in range(40)]
    free = {"pattern": None, "role": "key"}
    report = judged(trips(40, code=mails), contract({"code": free}))
    assert only(report, "personal_data").column == "code"
    assert judged(trips(40, code=mails), contract({"code": free | {"personal": True}})).verdict is Verdict.ACCEPT
    quiet = contract({"code": free}, quality={"personal_data": "off"})
    assert judged(trips(40, code=mails), quiet).verdict is Verdict.ACCEPT


def test_numbers_that_only_look_like_cards_are_none() -> None:
    free = contract({"code": {"pattern": None}})
    for wrong in ("4111 1111 1111 1112", "0000 0000 0000 0000", "DE89370400440532013001", "2026-03-01"):
        assert judged(trips(40, code=[wrong] * 40), free).verdict is Verdict.ACCEPT, wrong


EVERYTHING = contract(
    {
        "stops": {"monotonic": "increasing"},
        "code": {"pattern": None, "nullable": True, "unique": True},
        "line": {"warn": ["domain"]},
    },
    checks=[{"check": "miles < 50 or express"}, {"check": "stops % 2 == 0", "severity": "warn"}],
    quality={"duplicate_rows": "warn", "max_violation_share": 0.3},
)


def in_files(tables: Sequence[pa.Table], data: DataSpec) -> DropReport:
    gate = Gate.of(data)
    parts = [examine(parquet(table), "parquet", gate, f"part-{number}") for number, table in enumerate(tables)]
    return conclude(parts, gate)


@given(seed=st.integers(0, 1_000), cuts=st.lists(st.integers(0, 120), max_size=4))
@settings(max_examples=25, deadline=None)
def test_a_drop_cut_into_files_gets_the_report_of_the_whole(seed: int, cuts: list[int]) -> None:
    random = np.random.default_rng(seed)
    table = replaced(
        trips(120, seed),
        trip=random.integers(0, 110, 120),
        line=random.choice(["red", "green", "violet"], 120),
        code=[["ann@example.org", "x", None][number] for number in random.integers(0, 3, 120)],
        stops=[None if x > 11 else int(x) for x in random.integers(0, 13, 120)],
    )
    edges = sorted({0, 120, *cuts})
    whole = judged(table, EVERYTHING)
    parts = in_files([table.slice(start, end - start) for start, end in pairwise(edges)], EVERYTHING)
    assert (parts.rows, parts.rows_in_violation, parts.verdict) == (whole.rows, whole.rows_in_violation, whole.verdict)
    starts = {f"part-{number}": start for number, start in enumerate(edges)}
    for found, expected in zip(parts.violations, whole.violations, strict=True):
        rows = tuple(row + starts[file] for file, row in zip(found.files, found.rows, strict=False))
        assert (rows or found.rows) == expected.rows
        assert (found.rule, found.column, found.count, found.measured, found.severity, found.values) == (
            expected.rule,
            expected.column,
            expected.count,
            expected.measured,
            expected.severity,
            expected.values,
        )
    assert parts.profile is not None
    assert whole.profile is not None
    assert parts.profile.columns.keys() == whole.profile.columns.keys()


def test_a_row_of_a_drop_of_files_is_named_by_file_row_and_row_group() -> None:
    sink = io.BytesIO()
    pq.write_table(trips(9, stops=[1] * 7 + [99, 1], trip=range(100, 109)), sink, row_group_size=4)
    gate = Gate.of(DATA)
    first = examine(parquet(trips(5)), "parquet", gate, "a.parquet")
    second = examine(io.BytesIO(sink.getvalue()), "parquet", gate, "b.parquet")
    found = only(conclude([first, second], gate), "range")
    assert (found.files, found.rows, found.row_groups) == (("b.parquet",), (8,), (1,))


def test_a_finding_of_one_file_among_several_names_it() -> None:
    report = in_files([trips(5), replaced(trips(5).drop_columns(["stops"]), trip=range(10, 15))], DATA)
    assert only(report, "missing_column").message == "part-1: the column 'stops' is missing"


def test_one_file_that_cannot_be_read_refuses_the_drop_and_is_named() -> None:
    gate = Gate.of(DATA)
    parts = [examine(parquet(trips(5)), "parquet", gate, "a"), examine(io.BytesIO(b"x"), "parquet", gate, "b")]
    report = conclude(parts, gate)
    assert report.verdict is Verdict.QUARANTINE
    assert report.violations[0].message.startswith("b: ")
