"""Metrics of several classes and of numbers against scikit-learn, and where they have no value."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from trimtab.evaluation import multiclass, regression
from trimtab.evaluation.kinds import Kind, class_name, class_values
from trimtab.evaluation.metrics import measure

CLASSES = ("a", "b", "c", "d")


def distributions(random: np.random.Generator, n: int = 1_500, decimals: int = 12) -> tuple[np.ndarray, np.ndarray]:
    label = random.choice(4, n, p=[0.5, 0.3, 0.15, 0.05])
    raised = np.exp(random.normal(size=(n, 4)) + np.eye(4)[label]).round(decimals) + 1e-3
    return label, raised / raised.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("decimals", [0, 12], ids=["ties", "no ties"])
def test_metrics_of_classes_agree_with_scikit_learn(decimals: int) -> None:
    label, score = distributions(np.random.default_rng(0), decimals=decimals)
    called = score.argmax(axis=1)
    found = multiclass.measure(label, score)
    each = [reference.roc_auc_score(label == place, score[:, place]) for place in range(4)]
    assert found == pytest.approx(
        {
            "log_loss": reference.log_loss(label, score),
            "accuracy": reference.accuracy_score(label, called),
            "balanced_accuracy": reference.balanced_accuracy_score(label, called),
            "macro_f1": reference.f1_score(label, called, average="macro"),
            "auc_macro": np.mean(each),
        }
    )


def test_each_class_has_what_scikit_learn_reports_of_it() -> None:
    label, score = distributions(np.random.default_rng(0))
    expected = reference.classification_report(label, score.argmax(axis=1), target_names=CLASSES, output_dict=True)
    found = multiclass.per_class(label, score, CLASSES)
    for name, place in zip(CLASSES, range(4), strict=True):
        theirs = expected[name]
        assert found[name] == pytest.approx(
            {
                "n": theirs["support"],
                "precision": theirs["precision"],
                "recall": theirs["recall"],
                "f1": theirs["f1-score"],
                "auc": reference.roc_auc_score(label == place, score[:, place]),
            }
        )


def test_a_class_without_rows_counts_in_no_mean() -> None:
    label, score = distributions(np.random.default_rng(0))
    kept = label != 3
    found = multiclass.measure(label[kept], score[kept])
    called = score[kept].argmax(axis=1)
    assert found["macro_f1"] == pytest.approx(
        reference.f1_score(label[kept], called, labels=[0, 1, 2], average="macro")
    )
    assert math.isfinite(found["auc_macro"])
    assert math.isnan(multiclass.per_class(label[kept], score[kept], CLASSES)["d"]["auc"])


@pytest.mark.parametrize("wrong", [[math.nan, 0, 0, 1], [0.5, 0.5, 0.5, 0], [-0.1, 0.6, 0.5, 0], [0, 0, 0, 0]])
def test_a_row_that_is_no_distribution_voids_every_metric(wrong: list[float]) -> None:
    label, score = distributions(np.random.default_rng(0), n=50)
    score[7] = wrong
    assert all(math.isnan(value) for value in multiclass.measure(label, score).values())


def numbers(random: np.random.Generator, n: int = 1_501) -> tuple[np.ndarray, np.ndarray]:
    label = random.normal(100, 30, n).round(1)
    return label, label + random.normal(2, 10, n).round(1)


@pytest.mark.parametrize("n", [1_500, 1_501, 40_000], ids=["even", "odd", "many blocks"])
def test_metrics_of_numbers_agree_with_scikit_learn(n: int) -> None:
    label, prediction = numbers(np.random.default_rng(0), n)
    assert regression.measure(label, prediction, 0.9) == pytest.approx(
        {
            "rmse": reference.root_mean_squared_error(label, prediction),
            "mae": reference.mean_absolute_error(label, prediction),
            "mape": reference.mean_absolute_percentage_error(label, prediction),
            "r2": reference.r2_score(label, prediction),
            "median_absolute_error": reference.median_absolute_error(label, prediction),
            "quantile_loss": reference.mean_pinball_loss(label, prediction, alpha=0.9),
        }
    )


def test_a_label_of_zero_has_no_relative_error() -> None:
    found = regression.measure(np.array([0.0, 10.0, 20.0]), np.array([5.0, 11.0, 18.0]))
    assert found["mape"] == pytest.approx(0.1)
    assert math.isnan(regression.measure(np.zeros(3), np.ones(3))["mape"])


def test_the_median_of_an_even_number_of_errors_lies_between_the_middle_two() -> None:
    found = regression.measure(np.zeros(4), np.array([1.0, -2.0, 3.0, 10.0]))
    assert found["median_absolute_error"] == 2.5


def test_equal_labels_have_no_r2() -> None:
    found = regression.measure(np.full(5, 3.3), np.arange(5.0))
    assert math.isnan(found["r2"])
    assert math.isfinite(found["rmse"])


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_prediction_that_is_no_number_voids_every_metric(wrong: float) -> None:
    found = regression.measure(np.arange(3.0), np.array([1.0, wrong, 2.0]))
    assert all(math.isnan(value) for value in found.values())


LABELS = {"binary": st.integers(0, 1), "multiclass": st.integers(0, 2), "regression": st.integers(-3, 3)}
KINDS = {
    "binary": Kind("binary", "auc", beta=2.0),
    "multiclass": Kind("multiclass", "macro_f1", ("a", "b", "c")),
    "regression": Kind("regression", "mae", quantile=0.8),
}


@pytest.mark.parametrize("problem", KINDS)
@settings(max_examples=40)
@given(data=st.data())
def test_a_weight_of_two_is_the_row_twice(problem: str, data: st.DataObject) -> None:
    label = np.array(data.draw(st.lists(LABELS[problem], min_size=2, max_size=30)), dtype=float)
    steps = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(label), max_size=len(label))))
    score: np.ndarray = steps / 3.0
    if problem == "multiclass":
        score = np.column_stack([score / 2, 1 - score, score / 2])
    twice = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(label), max_size=len(label))))
    if not twice.any():
        return
    kind = KINDS[problem]
    weighted = kind.scored(label, score).measure(twice[None, :].astype(np.uint8))
    for name, value in kind.measure(np.repeat(label, twice), np.repeat(score, twice, axis=0)).items():
        assert weighted[name][0] == pytest.approx(value, nan_ok=True, abs=1e-12), name


def test_f_beta_and_calibration_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(1)
    label = (random.random(2_000) < 0.3).astype(int)
    score = np.clip(random.normal(0.3 + 0.2 * label, 0.2), 0, 1)
    found = measure(label, score, threshold=0.4, beta=2.0)
    assert found["f_beta"] == pytest.approx(reference.fbeta_score(label, score >= 0.4, beta=2.0))
    places = np.minimum((score * 10).astype(int), 9)
    gaps = [abs((label - score)[places == place].sum()) for place in range(10)]
    assert found["calibration_error"] == pytest.approx(sum(gaps) / 2_000)


def test_classes_have_the_names_that_served_answers_have() -> None:
    assert class_values([np.array([3.0, 1.0, np.nan]), np.array([2.0])]) == [1.0, 2.0, 3.0]
    assert class_values([np.array(["b", None, "a"], dtype=object)]) == ["a", "b"]
    assert [class_name(value) for value in (1.0, 2, "x", True, 1.5)] == ["1", "2", "x", "True", "1.5"]


def test_row_losses_are_what_the_mean_metrics_are_means_of() -> None:
    label, score = distributions(np.random.default_rng(0))
    kind = Kind("multiclass", "log_loss", CLASSES)
    assert kind.row_losses(label, score).mean() == pytest.approx(reference.log_loss(label, score))
    truth, prediction = numbers(np.random.default_rng(0))
    assert Kind("regression", "mae").row_losses(truth, prediction).mean() == pytest.approx(
        reference.mean_absolute_error(truth, prediction)
    )
