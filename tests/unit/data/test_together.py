"""What moves only jointly is told beside the columns, at the gate as in the report that is stored."""

import json

import numpy as np
import pytest

from tests.unit.data.samples import DATA, parquet, trips
from trimtab.data.drift import DriftRules
from trimtab.data.report import DropReport
from trimtab.data.together import told_apart
from trimtab.data.validate import Gate, conclude, examine

RANDOM = np.random.default_rng(5)
ROWS = 4_000
MILES = RANDOM.gamma(2, 5, ROWS).clip(0, 100)
APART, ALIKE = RANDOM.integers(0, 10, ROWS), np.sort(RANDOM.integers(0, 10, ROWS))[np.argsort(np.argsort(MILES))]


def report(stops: np.ndarray, rules: DriftRules) -> DropReport:
    """On rows whose miles and stops go together or not; alone, both columns are those of the reference."""
    learned, _ = judged(Gate.of(DATA), 1, APART)
    found, gate = judged(Gate.of(DATA, learned.profile, rules=rules), 2, stops)
    return told_apart(found, gate)


def judged(gate: Gate, seed: int, stops: np.ndarray) -> tuple[DropReport, Gate]:
    stream = parquet(trips(ROWS, seed, miles=MILES, stops=stops))
    return conclude([examine(stream, "parquet", gate)], gate), gate


def test_columns_that_move_only_together_are_told_and_nothing_is_judged_by_it() -> None:
    found = report(ALIKE, DriftRules())
    assert not any(drift.moved for drift in found.drift)
    assert found.separation is not None
    assert found.separation.auc > 0.6
    assert not [violation for violation in found.violations if violation.rule == "drift"]
    stored = DropReport.from_json(json.loads(json.dumps(found.to_json())))
    assert stored.separation == found.separation


def test_rows_that_have_not_moved_are_not_told_apart() -> None:
    found = report(APART, DriftRules())
    assert found.separation is not None
    assert found.separation.auc == pytest.approx(0.5, abs=0.06)


def test_only_columns_whose_drift_counts_are_looked_at() -> None:
    found = report(ALIKE, DriftRules(columns=("stops",)))
    assert found.separation is not None
    assert found.separation.auc == pytest.approx(0.5, abs=0.06)


def test_without_a_reference_there_is_nothing_to_tell() -> None:
    gate = Gate.of(DATA)
    found = told_apart(conclude([examine(parquet(trips()), "parquet", gate)], gate), gate)
    assert found.separation is None
    assert DropReport.from_json(found.to_json()).separation is None
