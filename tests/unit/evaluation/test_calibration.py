"""Calibration against scikit-learn and by simulation, and the curves of the report."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

from trimtab.evaluation.calibration import calibrate_binary, calibrate_classes, calibrate_numbers
from trimtab.evaluation.curves import binary_curves, class_curves, number_curves

N = 5_000


def scored(seed: int = 0, n: int = N, bend: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn with the log odds of the scores times ``bend``: 1 is calibrated."""
    generator = np.random.default_rng(seed)
    odds = generator.normal(-1, 1.2, n)
    label = (generator.random(n) < 1 / (1 + np.exp(-bend * odds))).astype(float)
    return label, 1 / (1 + np.exp(-odds))


def test_bins_are_those_of_scikit_learn_s_calibration_curve() -> None:
    label, score = scored()
    observed, predicted = calibration_curve(label, score, n_bins=10, strategy="quantile")
    bins = calibrate_binary(label, score, 0.95)["bins"]
    assert [each["predicted"] for each in bins] == pytest.approx(predicted, abs=2e-3)
    assert [each["observed"] for each in bins] == pytest.approx(observed, abs=5e-3)
    assert sum(each["n"] for each in bins) == N


def test_slope_and_intercept_are_those_of_a_logistic_regression_on_the_log_odds() -> None:
    label, score = scored(bend=0.5)
    odds = np.log(score / (1 - score))[:, None]
    fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(odds, label)
    found = calibrate_binary(label, score, 0.95)
    assert found["slope"]["value"] == pytest.approx(fitted.coef_[0, 0], abs=1e-4)
    assert found["intercept"]["value"] == pytest.approx(fitted.intercept_[0], abs=1e-4)
    assert found["slope"]["hi"] < 1


def test_a_calibrated_model_has_slope_one_and_an_error_whose_interval_starts_at_nothing() -> None:
    found = calibrate_binary(*scored(), 0.95)
    assert found["slope"]["lo"] < 1 < found["slope"]["hi"]
    assert found["intercept"]["lo"] < 0 < found["intercept"]["hi"]
    assert found["error"]["lo"] == pytest.approx(0, abs=2e-3)
    assert found["error"]["value"] < 0.02


def test_the_interval_of_the_error_covers_the_true_error_of_the_bins() -> None:
    """300 samples of a model that is 0.1 too sure everywhere; 95 % is claimed, the bins' bounds are wider."""
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        score = generator.uniform(0.2, 0.9, 1_000)
        label = (generator.random(1_000) < score - 0.1).astype(float)
        error = calibrate_binary(label, score, 0.95)["error"]
        held += error["lo"] <= 0.1 <= error["hi"]
    assert held / 300 >= 0.95


def test_slope_and_intercept_cover_what_they_claim() -> None:
    rounds, held = 300, np.zeros(2)
    for seed in range(rounds):
        found = calibrate_binary(*scored(seed, n=600), 0.95)
        held += [
            found["slope"]["lo"] <= 1 <= found["slope"]["hi"],
            found["intercept"]["lo"] <= 0 <= found["intercept"]["hi"],
        ]
    assert (np.abs(held / rounds - 0.95) < 3 * (0.95 * 0.05 / rounds) ** 0.5).all(), held / rounds


@pytest.mark.parametrize(
    ("label", "score"),
    [
        (np.zeros(0), np.zeros(0)),
        (np.ones(20), np.full(20, 0.5)),
        (np.ones(500), np.full(500, np.nan)),
    ],
    ids=["no rows", "few rows", "NaN"],
)
def test_what_cannot_be_measured_is_undefined(label: np.ndarray, score: np.ndarray) -> None:
    found = calibrate_binary(label, score, 0.95)
    assert np.isnan(found["error"]["value"])
    assert found["bins"] == []
    assert found["slope"] is None


def test_constant_scores_have_an_error_and_no_slope() -> None:
    label = (np.arange(1_000) % 4 == 0).astype(float)
    found = calibrate_binary(label, np.full(1_000, 0.25), 0.95)
    assert found["error"]["value"] < 0.02
    assert found["slope"] is None


def test_labels_of_one_class_have_no_slope() -> None:
    assert calibrate_binary(np.ones(500), np.linspace(0.1, 0.9, 500), 0.95)["slope"] is None


def test_separable_labels_end_without_a_slope_and_without_a_crash() -> None:
    score = np.linspace(0.01, 0.99, 400)
    found = calibrate_binary((score > 0.5).astype(float), score, 0.95)
    assert found["slope"] is None or np.isfinite(found["slope"]["value"])


def test_classes_are_judged_by_their_likeliest_and_each_alone() -> None:
    generator = np.random.default_rng(0)
    scores = generator.dirichlet((2, 3, 1), N)
    label = np.array([generator.choice(["a", "b", "c"], p=row) for row in scores], dtype=object)
    found = calibrate_classes(label, scores, ["a", "b", "c"], 0.95)
    assert found["error"]["value"] < 0.03
    assert {name: error["value"] < 0.03 for name, error in found["classes"].items()} == dict.fromkeys("abc", True)
    wrong = calibrate_classes(label, scores[:, ::-1], ["a", "b", "c"], 0.95)
    assert wrong["classes"]["a"]["lo"] > 0.05


def test_numbers_are_compared_in_standard_deviations_of_the_label() -> None:
    generator = np.random.default_rng(0)
    prediction = generator.normal(100, 10, N)
    label = prediction + generator.normal(0, 5, N)
    found = calibrate_numbers(label, prediction, 0.95)
    assert found["slope"]["lo"] < 1 < found["slope"]["hi"]
    assert found["error"]["value"] < 0.05
    shifted = calibrate_numbers(label + label.std(), prediction, 0.95)
    assert shifted["error"]["value"] == pytest.approx(1.0, abs=0.05)


def test_curves_lie_on_scikit_learn_s() -> None:
    label, score = scored(n=2_000)
    false, true, _ = roc_curve(label, score, drop_intermediate=False)
    curves = binary_curves(label, np.round(score, 2))
    false, true, _ = roc_curve(label, np.round(score, 2), drop_intermediate=False)
    known = {(round(x, 5), round(y, 5)) for x, y in zip(false, true, strict=True)}
    assert {tuple(point) for point in curves["roc"]} <= known
    precision, recall, _ = precision_recall_curve(label, np.round(score, 2))
    known = {(round(x, 5), round(y, 5)) for x, y in zip(recall, precision, strict=True)}
    assert {tuple(point) for point in curves["precision_recall"]} <= known
    assert len(curves["roc"]) <= 60


def test_a_confusion_matrix_is_scikit_learn_s() -> None:
    generator = np.random.default_rng(0)
    label, decided = generator.choice(["a", "b"], 300), generator.choice(["a", "b"], 300)
    found = class_curves(label, decided, ["a", "b"])["confusion"]
    assert found == confusion_matrix(label, decided, labels=["a", "b"]).tolist()


def test_residuals_of_a_perfect_model_are_one_bin_and_of_none_nothing() -> None:
    found = number_curves(np.ones(100), np.ones(100))["residuals"]
    assert sum(count for _, _, count in found) == 100
    assert number_curves(np.ones(5), np.full(5, np.nan))["residuals"] == []
