"""Many rows are drawn in groups: intervals are those of drawing rows, and copies stay copies."""

from typing import Any

import numpy as np
import pytest

from trimtab.evaluation import bootstrap
from trimtab.evaluation import draws as drawing
from trimtab.evaluation.bootstrap import Resampled, resample
from trimtab.evaluation.draws import Blocked, Draws, Stratified
from trimtab.evaluation.kinds import Kind

ROWS = 6_000
GROUPS = 1_000


@pytest.fixture(autouse=True)
def few_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for these rows, and fast."""
    monkeypatch.setattr(drawing, "GROUPS", GROUPS)


Case = tuple[Kind, np.ndarray, np.ndarray, np.ndarray]


def binary() -> Case:
    random = np.random.default_rng(0)
    load = random.normal(size=ROWS)
    label = (random.random(ROWS) < 1 / (1 + np.exp(2 - load))).astype(int)
    one, other = (1 / (1 + np.exp(2 - load - random.normal(0, noise, ROWS))) for noise in (0.3, 0.6))
    return Kind("binary", "auc"), label, one, other


def multiclass() -> Case:
    random = np.random.default_rng(1)
    label = random.integers(0, 3, ROWS)
    raised = (np.exp(np.eye(3)[label] * 1.5 + random.normal(0, noise, (ROWS, 3))) for noise in (1.0, 1.2))
    one, other = (each / each.sum(axis=1, keepdims=True) for each in raised)
    return Kind("multiclass", "auc_macro", ("a", "b", "c")), label, one, other


def regression() -> Case:
    random = np.random.default_rng(2)
    one = random.normal(5, 1, ROWS)
    return Kind("regression", "rmse"), one + random.normal(size=ROWS), one, one + random.normal(0, 0.3, ROWS)


def drawn(case: Case, draws: Draws) -> Resampled:
    kind, label, one, other = case
    models = {"one": kind.scored(label, one), "other": kind.scored(label, other)}
    return resample(models, draws, rounds=300, confidence=0.95, seed=1, n=ROWS)


@pytest.mark.parametrize("make", [binary, multiclass, regression])
@pytest.mark.parametrize("how", ["rows", "blocks"])
def test_groups_say_what_rows_say(make: Any, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Widths within the noise of 300 rounds, values exactly."""
    case = make()
    draws = Stratified(case[0].strata(case[1])) if how == "rows" else Blocked(np.arange(ROWS) // 50, "hour", 5, 2.0)
    by_row = drawn(case, draws)
    monkeypatch.setattr(bootstrap, "MANY_ROWS", ROWS)
    by_group = drawn(case, draws)
    assert by_row.groups is None
    assert by_group.groups == pytest.approx(GROUPS if how == "rows" else ROWS / 50, rel=0.2)
    assert by_group.points == by_row.points
    for metric in by_row.points["one"]:
        wide = [found.interval("one", metric).hi - found.interval("one", metric).lo for found in (by_row, by_group)]
        apart = [np.std(f.draws["one"][metric] - f.draws["other"][metric]) for f in (by_row, by_group)]
        assert wide[1] == pytest.approx(wide[0], rel=0.25), metric
        assert apart[1] == pytest.approx(apart[0], rel=0.25), metric


@pytest.mark.parametrize("make", [binary, multiclass, regression])
def test_a_copy_does_not_differ_and_what_is_no_number_has_no_interval(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, label, one, _ = make()
    monkeypatch.setattr(bootstrap, "MANY_ROWS", ROWS)
    draws = Stratified(kind.strata(label))
    same = drawn((kind, label, one, one), draws).difference("one", "other", kind.primary)
    assert (same.value, same.lo, same.hi) == (0, 0, 0)
    broken = one.copy()
    broken[3] = np.nan
    assert np.isnan(drawn((kind, label, one, broken), draws).interval("other", kind.primary).lo)


def test_rows_of_a_rare_class_are_groups_of_one() -> None:
    label = np.r_[np.ones(50, int), np.zeros(200_000, int)]
    grouped = Stratified(label).in_groups(0)
    assert len(np.unique(grouped.group[:50])) == 50
    assert not set(grouped.group[:50]) & set(grouped.group[50:])
    assert np.bincount(grouped.group[50:]).min() >= 200_000 // GROUPS
