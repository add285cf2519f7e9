"""Drift counts by how much the version leans on a column."""

import numpy as np
import pyarrow as pa
import pytest

from trimtab.data.drift import DriftRules, Rule, compare
from trimtab.data.profile import NumberProfile, Profile
from trimtab.monitoring.drift.baseline import weights_of
from trimtab.monitoring.drift.breaks import Break
from trimtab.monitoring.drift.result import Drift

RANDOM = np.random.default_rng(0)
ROWS = 4_000


def drift(shifts: dict[str, float], weights: dict[str, float], **parts: object) -> Drift:
    sides = [
        {name: NumberProfile.of(pa.array(RANDOM.normal(shift * moved, 1, ROWS))) for name, shift in shifts.items()}
        for moved in (0, 1)
    ]
    before, after = (Profile(ROWS, side) for side in sides)
    return Drift(ROWS, tuple(DriftRules().judge(compare(before, after))), weights=weights, **parts)  # type: ignore[arg-type]


def test_what_matters_comes_first_and_what_does_not_hardly_counts() -> None:
    found = drift({"season": 3.0, "fare": 1.0}, {"season": 0.02, "fare": 0.98})
    assert list(found.psi) == ["season", "fare"]
    assert found.drifted == ["fare", "season"]
    weighted = found.weighted(0.25)
    assert weighted is not None
    assert weighted.value == pytest.approx(
        0.02 * found.estimates["season"].value + 0.98 * found.estimates["fare"].value
    )
    useless = drift({"season": 3.0, "fare": 0.0}, {"season": 0.0, "fare": 1.0})
    assert useless.weighted_reading(0.25) == 0.0
    assert (useless.reading(0.25) or 0) > 5


def test_without_any_importance_all_columns_count_alike() -> None:
    for weights in ({}, {"season": 0.0, "fare": 0.0}):
        found = drift({"season": 3.0, "fare": 0.0}, weights)
        assert found.importance == {"season": 0.5, "fare": 0.5}


def test_a_shift_that_may_be_chance_has_a_reading_of_zero_and_keeps_its_value() -> None:
    found = drift({"a": 0.0, "b": 0.0}, {})
    value = found.weighted(0.25)
    assert value is not None
    assert abs(value.value) < 3 * value.error
    assert found.weighted_reading(0.25) == 0.0


def test_a_column_that_may_move_more_counts_in_proportion() -> None:
    plain = drift({"a": 1.0}, {"a": 1.0})
    wider = Drift(ROWS, tuple(DriftRules(own={"a": Rule("psi", 2.5)}).judge(plain.columns)), weights={"a": 1.0})
    one, other = plain.weighted(0.25), wider.weighted(0.25)
    assert one is not None
    assert other is not None
    assert other.value == pytest.approx(one.value / 10)


def test_a_broken_column_counts_for_no_reading() -> None:
    broken = (Break("unit", ("a",), "'a' looks like times 1,000", "reference"),)
    found = drift({"a": 3.0, "b": 0.0}, {"a": 1.0, "b": 1.0}, breaks=broken)
    assert found.drifted == []
    assert found.reading(0.25) == 0.0
    assert found.weighted_reading(0.25) == 0.0
    assert set(found.psi) == {"a", "b"}
    alone = drift({"a": 3.0}, {"a": 1.0}, breaks=broken)
    assert (alone.reading(0.25), alone.weighted_reading(0.25)) == (0.0, 0.0)


def test_importance_below_zero_or_unknown_is_none() -> None:
    assert weights_of({"importance": {"a": 0.3, "b": -0.1, "c": None}}) == {"a": 0.3, "b": 0.0, "c": 0.0}
    assert weights_of({}) == {}
