"""How often a window's values break the contract, in parts as in one."""

import pyarrow as pa
import pytest

from tests.unit.functions.scene import SPEC, tiny_spec
from trimtab.monitoring.drift.contract import RuleCount, allowed_share, count_rules, merge_counts

SPEC_OF_GAPS = tiny_spec(SPEC.replace("kind: {type: string,", "kind: {type: string, nullable: true,"))
RECORDS = pa.table(
    {
        "seen": pa.array([None] + [0] * 9, pa.timestamp("us", "UTC")),
        "x": [0.5, 1.5, None, float("inf"), -1.0, 0.1, 0.2, 0.3, 0.4, 0.5],
        "kind": ["a", "b", None, None, "d", "a", "a", "a", "a", "a"],
    }
)


def broken(counts: tuple[RuleCount, ...]) -> dict[tuple[str, str], int]:
    return {(count.column, count.rule): count.broken for count in counts if count.broken}


def test_every_rule_is_counted_row_by_row() -> None:
    found = count_rules(RECORDS, SPEC_OF_GAPS.data)
    assert broken(found) == {
        ("seen", "not_null"): 1,
        ("x", "not_null"): 1,
        ("x", "finite"): 1,
        ("x", "range"): 3,
        ("kind", "missing"): 2,
        ("kind", "domain"): 1,
    }
    assert {count.rows for count in found} == {10}


def test_parts_count_as_the_whole() -> None:
    whole = count_rules(RECORDS, SPEC_OF_GAPS.data)
    parts = [count_rules(RECORDS.slice(start, 3), SPEC_OF_GAPS.data) for start in (0, 3, 6, 9)]
    merged: tuple[RuleCount, ...] = ()
    for part in parts:
        merged = merge_counts(merged, part)
    assert merged == whole


def test_a_share_is_beyond_what_a_drop_may_have_only_when_its_interval_is() -> None:
    few, many = (
        RuleCount("x", "range", "0 to 1", broken, rows).measured(0.02) for broken, rows in ((1, 20), (90, 900))
    )
    assert (few["share"], few["beyond"]) == (0.05, False)
    assert few["low"] < 0.02 < few["high"]
    assert (many["share"], many["beyond"]) == (0.1, True)


def test_what_is_allowed_is_what_a_drop_may_have() -> None:
    data = tiny_spec(
        SPEC.replace("kind: {type: string,", "kind: {type: string, nullable: true, max_missing_share: 0.3,")
    )
    assert allowed_share(RuleCount("kind", "missing", "", 0, 1), data.data) == 0.3
    assert allowed_share(RuleCount("kind", "missing", "", 0, 1), SPEC_OF_GAPS.data) == pytest.approx(1.0)
    assert allowed_share(RuleCount("x", "range", "", 0, 1), data.data) == data.data.quality.max_violation_share
