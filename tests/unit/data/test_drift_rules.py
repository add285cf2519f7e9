"""A column has moved when its effect is over its rule's limit and the rows are more than chance would give."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, fisher_exact, poisson

from tests.unit.data.samples import DATA, parquet, trips
from trimtab.data.drift import ALPHA, TESTS, ColumnDrift, DriftRules, Rule, compare
from trimtab.data.drift.two_shares import shares_p_value
from trimtab.data.drift.unseen import unseen_p_value
from trimtab.data.profile import CategoryProfile, NumberProfile, Profile
from trimtab.data.validate import validate
from trimtab.spec import MonitoringSpec

RANDOM = np.random.default_rng(3)


def profile(**columns: Any) -> Profile:
    arrays = {name: pa.array(values) for name, values in columns.items()}
    kinds = {
        name: CategoryProfile.of(array) if pa.types.is_string(array.type) else NumberProfile.of(array)
        for name, array in arrays.items()
    }
    return Profile(len(next(iter(arrays.values()))), kinds)


def moved(reference: Profile, current: Profile, rules: DriftRules) -> list[str]:
    return sorted(drift.column for drift in rules.judge(compare(reference, current)) if drift.moved)


LEFT = RANDOM.normal(0, 1, 20_000)
NAMES = RANDOM.choice(["a", "b", "c"], 20_000).tolist()
GAPS = [None if place % 100 == 0 else 1.0 for place in range(20_000)]
MOVES: dict[str, tuple[Any, Any, float]] = {
    "psi": (LEFT, LEFT + 1, 0.25),
    "jensen_shannon": (LEFT, LEFT + 1, 0.2),
    "cramers_v": (LEFT, LEFT + 1, 0.2),
    "ks": (LEFT, LEFT + 0.3, 0.1),
    "wasserstein": (LEFT, np.where(np.quantile(LEFT, 0.95) < LEFT, LEFT * 100, LEFT), 2.0),
    "missing_rate_change": (GAPS, [None] * 1_000 + GAPS[1_000:], 0.03),
    "new_level_share": (NAMES, ["new"] * 600 + NAMES[600:], 0.02),
}


@pytest.mark.parametrize("statistic", MOVES)
def test_every_statistic_finds_what_it_is_for_and_nothing_in_the_same_rows(statistic: str) -> None:
    left, right, limit = MOVES[statistic]
    rules = DriftRules(own={"x": Rule(statistic, limit)})
    assert moved(profile(x=left), profile(x=right), rules) == ["x"]
    assert moved(profile(x=left), profile(x=left), rules) == []


def test_every_rule_of_the_spec_has_a_statistic_and_a_test() -> None:
    rule = MonitoringSpec.model_json_schema()["$defs"]["DriftRule"]["properties"]["statistic"]
    assert set(rule["enum"]) == set(TESTS) == set(MOVES)


def test_what_moves_within_a_bin_has_evidence_of_its_own() -> None:
    """Ten bins see nothing of a tail that grows, so their test must not decide over a rule on distances."""
    left, right, _ = MOVES["wasserstein"]
    (drift,) = compare(profile(x=left), profile(x=right))
    assert drift.p_values["bins"] == pytest.approx(1)
    assert drift.p_values["numbers"] < ALPHA


@pytest.mark.parametrize("statistic", ["psi", "ks", "missing_rate_change"])
def test_a_few_rows_are_no_evidence_however_large_the_effect(statistic: str) -> None:
    left = [None if place % 10 == 0 else value for place, value in enumerate(LEFT.tolist())]
    rules = DriftRules(own={"x": Rule(statistic, 0.05)})
    assert moved(profile(x=left), profile(x=[0.5, 0.2, 0.1, None]), rules) == []


RAIN = [0.0] * 9_500 + [float(place % 40) for place in range(500)]
"""So rare that all ten quantile bins are one."""


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (RAIN, RAIN[3_000:] + [3.0] * 3_000),
        ([0] * 9_500 + [1] * 500, [0] * 7_000 + [1] * 3_000),
        ([7] * 1_000, [7] * 500 + [8] * 500),
    ],
    ids=["mostly zero", "two numbers", "constant"],
)
def test_a_column_that_is_one_bin_to_psi_is_held_to_ks(left: list[float], right: list[float]) -> None:
    (drift,) = DriftRules().judge(compare(profile(x=left), profile(x=right)))
    assert (drift.psi, drift.moved) == (0, True)
    assert drift.judgement is not None
    assert (drift.judgement.statistic, drift.judgement.limit) == ("ks", 0.15)
    assert moved(profile(x=left), profile(x=left), DriftRules()) == []
    assert moved(profile(x=left), profile(x=right), DriftRules(psi_limit=2.5)) == [], "in proportion"
    assert moved(profile(x=left), profile(x=right), DriftRules(own={"x": Rule("psi", 0.1)})) == [], "its own rule"


def test_two_hundred_columns_of_chance_raise_no_alarm() -> None:
    columns = {f"c{place}": RANDOM.normal(0, 1, 400) for place in range(200)}
    reference, current = profile(**columns), profile(**{name: RANDOM.normal(0, 1, 400) for name in columns})
    drifts = DriftRules(own={name: Rule("ks", 0.01) for name in columns}).judge(compare(reference, current))
    by_itself = [drift for drift in drifts if drift.p_values["numbers"] <= ALPHA]
    assert by_itself, "some column looks certain when it is looked at alone"
    assert not any(drift.moved for drift in drifts)


def test_only_columns_that_count_are_judged_and_corrected_for() -> None:
    reference, current = profile(x=LEFT, y=LEFT), profile(x=LEFT + 1, y=LEFT + 1)
    assert moved(reference, current, DriftRules()) == ["x", "y"]
    assert moved(reference, current, DriftRules(columns=("y",))) == ["y"]


def test_a_judgement_is_stored_with_the_drift() -> None:
    (drift,) = DriftRules().judge(compare(profile(x=LEFT), profile(x=LEFT + 1)))
    assert ColumnDrift.from_json(drift.to_json() | {}) == drift


def test_the_gate_holds_each_column_to_its_own_rule() -> None:
    reference = validate(parquet(trips(2_000)), "parquet", DATA).profile
    table = trips(2_000, 1, stops=RANDOM.integers(0, 9, 2_000), line=["red"] * 1_500 + ["blue"] * 500)
    watch = {"psi_limit": 5.0, "drift": {"stops": {"statistic": "ks", "limit": 0.05}}}
    rules = DriftRules.of(MonitoringSpec.model_validate(watch))
    report = validate(parquet(table), "parquet", DATA, reference, rules=rules)
    (found,) = [violation for violation in report.violations if violation.rule == "drift"]
    assert (found.column, found.limit) == ("stops", 0.05)
    assert "the Kolmogorov-Smirnov statistic 0." in found.message
    usual = validate(parquet(table), "parquet", DATA, reference)
    assert [violation.column for violation in usual.violations if violation.rule == "drift"] == ["line"]


COUNTS = st.integers(0, 300)


@given(hits=COUNTS, rows=COUNTS, others=COUNTS, other_rows=COUNTS)
def test_shares_are_told_apart_as_scipy_does(hits: int, rows: int, others: int, other_rows: int) -> None:
    hits, others = min(hits, rows), min(others, other_rows)
    found = shares_p_value(hits, rows, others, other_rows)
    table = [[hits, rows - hits], [others, other_rows - others]]
    if not rows or not other_rows or hits + others in (0, rows + other_rows):
        assert found == 1.0
        return
    test = chi2_contingency(table, correction=False)
    if test.expected_freq.min() >= 5:
        assert found == pytest.approx(test.pvalue, rel=1e-6, abs=1e-12)
    else:
        tails = [fisher_exact(table, alternative=side).pvalue for side in ("greater", "less")]
        assert found == pytest.approx(min(2 * min(tails), 1.0), rel=1e-6, abs=1e-12)


def test_shares_of_a_great_many_rows_are_told_apart_in_no_time() -> None:
    assert shares_p_value(0, 10**9, 20, 50) < 1e-30
    assert shares_p_value(10**6, 10**9, 5, 5_000) > 0.5


@given(new=st.integers(0, 60), single=st.integers(0, 40))
def test_new_levels_are_held_against_what_the_reference_would_miss(new: int, single: int) -> None:
    reference = CategoryProfile.of(pa.array(["common"] * 500 + [f"rare {place}" for place in range(single)]))
    current = CategoryProfile.of(pa.array(["common"] * 200 + ["new"] * new))
    mean = (200 + new) * (single + 1) / (500 + single + 1)
    expected = poisson.sf(new - 1, mean)
    assert unseen_p_value(reference.levels, current.levels) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_names_that_are_always_new_are_no_drift() -> None:
    sides = [profile(x=[f"{side} {place}" for place in range(5_000)]) for side in ("old", "new")]
    rules = DriftRules(own={"x": Rule("new_level_share", 0.1)})
    assert compare(*sides)[0].new_level_share == 1.0
    assert moved(*sides, rules) == []
