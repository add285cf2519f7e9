"""The simple models that a candidate must beat."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from trimtab.evaluation.baseline import logistic, prevalence
from trimtab.evaluation.metrics import measure


def sample(n: int = 3_000) -> tuple[dict[str, np.ndarray], np.ndarray]:
    random = np.random.default_rng(0)
    load, site = random.normal(50, 10, n), random.choice(["north", "south", "west"], n).astype(object)
    odds = -1 + 0.08 * (load - 50) + 1.2 * (site == "north")
    label = (random.random(n) < 1 / (1 + np.exp(-odds))).astype(float)
    return {"load": load, "site": site}, label


def test_prevalence_is_the_training_share_for_every_row() -> None:
    columns, label = sample()
    assert prevalence(columns, label, columns) == pytest.approx(np.full(3_000, label.mean()))


def test_the_logistic_baseline_finds_what_is_linear() -> None:
    columns, label = sample()
    score = logistic(
        {k: v[:2_000] for k, v in columns.items()}, label[:2_000], {k: v[2_000:] for k, v in columns.items()}
    )
    design = np.column_stack([columns["load"], *(columns["site"] == s for s in ("north", "south", "west"))])
    scaled = (design - design[:2_000].mean(axis=0)) / design[:2_000].std(axis=0)
    fitted = LogisticRegression().fit(scaled[:2_000], label[:2_000]).predict_proba(scaled[2_000:])[:, 1]
    assert measure(label[2_000:], score)["auc"] == pytest.approx(measure(label[2_000:], fitted)["auc"], abs=0.002)
    assert score == pytest.approx(fitted, abs=0.03)


def test_missing_and_unseen_values_are_scored() -> None:
    columns, label = sample()
    rows = {"load": np.array([np.nan, 50.0]), "site": np.array([None, "east"], dtype=object)}
    score = logistic(columns, label, rows)
    assert np.isfinite(score).all()


def test_a_constant_and_an_empty_column_do_no_harm() -> None:
    columns, label = sample()
    odd = columns | {"same": np.full(3_000, 4.0), "none": np.full(3_000, np.nan)}
    assert logistic(odd, label, odd) == pytest.approx(logistic(columns, label, columns), abs=1e-6)
