"""The simple models that a candidate must beat."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from trimtab.evaluation.baseline import Known, constant, last_value, linear
from trimtab.evaluation.encoding import MAX_LEVELS, Design
from trimtab.evaluation.kinds import Kind

BINARY, NUMBER = Kind("binary", "auc"), Kind("regression", "rmse")
CLASSES = Kind("multiclass", "log_loss", ("a", "b", "c"))
SITES = ("north", "south", "west")


def sample(n: int = 3_000) -> tuple[Known, np.ndarray]:
    """Rows, and the log odds that their label has."""
    random = np.random.default_rng(0)
    load, site = random.normal(50, 10, n), random.choice(SITES, n).astype(object)
    return Known({"load": load, "site": site}, n), -1 + 0.08 * (load - 50) + 1.2 * (site == "north")


def part(rows: Known, which: slice) -> Known:
    columns = {name: column[which] for name, column in rows.columns.items()}
    return Known(columns, len(columns["load"]))


def scaled(rows: Known) -> np.ndarray:
    """The design as scikit-learn is given it."""
    load = (rows.columns["load"] - rows.columns["load"].mean()) / rows.columns["load"].std()
    return np.column_stack([load, *(rows.columns["site"] == site for site in SITES)])


def test_the_constant_is_the_training_share_or_mean() -> None:
    rows = Known({}, 4)
    assert constant(BINARY, rows, np.array([0.0, 0, 1]), rows) == pytest.approx([1 / 3] * 4)
    assert constant(NUMBER, rows, np.array([1.0, 5.0]), rows) == pytest.approx([3] * 4)
    assert constant(CLASSES, rows, np.array([0.0, 0, 1, 1]), rows) == pytest.approx(np.tile([0.5, 0.5, 0], (4, 1)))


def test_the_logistic_baseline_is_scikit_learn_s() -> None:
    rows, odds = sample()
    label = (np.random.default_rng(1).random(3_000) < 1 / (1 + np.exp(-odds))).astype(float)
    fitted = LogisticRegression(C=1.0, tol=1e-10, max_iter=1_000).fit(scaled(rows), label)
    assert linear(BINARY, rows, label, rows) == pytest.approx(fitted.predict_proba(scaled(rows))[:, 1], abs=1e-5)


def test_the_linear_baseline_is_scikit_learn_s() -> None:
    rows, odds = sample()
    label = odds + np.random.default_rng(1).normal(size=3_000)
    fitted = Ridge(alpha=1.0).fit(scaled(rows), label)
    assert linear(NUMBER, rows, label, rows) == pytest.approx(fitted.predict(scaled(rows)), abs=1e-6)


def test_the_multinomial_baseline_is_scikit_learn_s() -> None:
    rows, odds = sample()
    label = np.digitize(odds + np.random.default_rng(1).logistic(size=3_000), [-1.5, 0.5]).astype(float)
    fitted = LogisticRegression(C=1.0, tol=1e-10, max_iter=2_000).fit(scaled(rows), label)
    assert linear(CLASSES, rows, label, rows) == pytest.approx(fitted.predict_proba(scaled(rows)), abs=2e-3)


def test_missing_and_unseen_values_are_scored() -> None:
    rows, odds = sample()
    odd = Known({"load": np.array([np.nan, 50.0, np.inf]), "site": np.array([None, "east", "north"], dtype=object)}, 3)
    assert np.isfinite(linear(BINARY, rows, (odds > -1).astype(float), odd)).all()


def test_a_constant_and_an_empty_column_do_no_harm() -> None:
    rows, odds = sample()
    odd = Known(dict(rows.columns) | {"same": np.full(3_000, 4.0), "none": np.full(3_000, np.nan)}, 3_000)
    assert linear(NUMBER, odd, odds, odd) == pytest.approx(linear(NUMBER, rows, odds, rows), abs=1e-6)


def test_a_set_without_usable_columns_has_its_mean() -> None:
    rows = Known({}, 3)
    assert linear(NUMBER, rows, np.array([1.0, 2.0, 6.0]), rows) == pytest.approx([3, 3, 3], abs=1e-6)


def test_only_the_commonest_levels_have_a_column() -> None:
    column = np.array([f"level {n}" for n in range(40) for _ in range(n + 1)], dtype=object)
    assert Design.of({"text": column}).matrix({"text": column}, len(column)).shape[1] == 1 + MAX_LEVELS


def test_the_last_value_is_the_newest_label_of_the_same_series() -> None:
    train = Known({}, 4, ["a", "b", "a", "b"])
    rows = Known({}, 3, ["a", "b", "new"])
    label = np.array([1.0, 2.0, 3.0, 6.0])
    assert last_value(NUMBER, train, label, rows).tolist() == [3.0, 6.0, 3.0]
    assert last_value(CLASSES, train, np.array([0.0, 1, 2, 1]), rows)[:2].tolist() == [[0, 0, 1], [0, 1, 0]]


def test_without_a_series_the_last_value_is_the_newest_of_all() -> None:
    rows = Known({}, 2)
    assert last_value(NUMBER, Known({}, 3), np.array([1.0, 2.0, 9.0]), rows).tolist() == [9.0, 9.0]
