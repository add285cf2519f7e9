"""Tests of two models on the same rows against references, and how often they cry wolf."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar

from trimtab.evaluation.paired_tests import delong, diebold_mariano, mcnemar, midranks

TRIALS = 400
ALLOWED = 0.05 + 3 * math.sqrt(0.05 * 0.95 / TRIALS)


def rows(random: np.random.Generator, n: int = 400, decimals: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and two equally good scores that have much in common."""
    label = (random.random(n) < 0.3).astype(int)
    shared = random.normal(label, 1.0)
    return label, *(stats.norm.cdf(shared + random.normal(0, 0.5, n)).round(decimals) for _ in range(2))


def naive_delong(label: np.ndarray, score: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Difference and its variance by the definition: every positive against every negative."""
    wins = []
    for each in (score, other):
        apart = each[label == 1][:, None] - each[label == 0][None, :]
        wins.append((apart > 0) + 0.5 * (apart == 0))
    above, below = (wins[0].mean(axis=axis) - wins[1].mean(axis=axis) for axis in (1, 0))
    return above.mean(), above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)


@pytest.mark.parametrize("decimals", [1, 12], ids=["ties", "no ties"])
def test_delong_is_what_its_definition_says(decimals: int) -> None:
    label, score, other = rows(np.random.default_rng(0), decimals=decimals)
    found = delong(label, score, other)
    difference, variance = naive_delong(label, score, other)
    assert found is not None
    assert found["difference"] == pytest.approx(difference)
    assert found["difference"] == pytest.approx(roc_auc_score(label, score) - roc_auc_score(label, other))
    assert found["statistic"] == pytest.approx(difference / math.sqrt(variance))
    assert found["p"] == pytest.approx(2 * stats.norm.sf(abs(difference) / math.sqrt(variance)))
    reach = stats.norm.ppf(0.975) * math.sqrt(variance)
    assert (found["lo"], found["hi"]) == pytest.approx((difference - reach, difference + reach))


def test_midranks_are_scipy_s() -> None:
    values = np.random.default_rng(0).integers(0, 20, 300)
    assert (midranks(values) == stats.rankdata(values)).all()


def test_the_same_ranking_does_not_differ() -> None:
    label, score, _ = rows(np.random.default_rng(0))
    found = delong(label, score, score**2)
    assert found is not None
    assert (found["difference"], found["p"]) == (0, 1)


def test_without_both_classes_or_with_odd_scores_there_is_no_test() -> None:
    assert delong(np.ones(5), np.arange(5.0), np.arange(5.0)) is None
    assert delong(np.array([0, 1]), np.array([math.nan, 1]), np.array([0.0, 1])) is None
    found = delong(np.array([0, 1]), np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    assert found is not None
    assert found["difference"] == 1


def test_equal_models_differ_in_auc_as_rarely_as_the_level_says() -> None:
    wrong = 0
    for trial in range(TRIALS):
        found = delong(*rows(np.random.default_rng([1, trial])))
        wrong += found is not None and found["p"] < 0.05
    assert wrong / TRIALS <= ALLOWED


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (3, 12), (7, 7), (40, 55), (900, 1_000)])
def test_mcnemar_is_the_binomial_test_of_the_rows_that_differ(b: int, c: int) -> None:
    right = np.repeat([True, False, True, False], [b, c, 30, 10])
    other = np.repeat([False, True, True, False], [b, c, 30, 10])
    found = mcnemar(right, other)
    exact = stats.binomtest(b, b + c, 0.5).pvalue if b + c else 1.0
    theirs = reference_mcnemar([[30, b], [c, 10]], exact=True).pvalue if b + c else 1.0
    assert exact == pytest.approx(min(1, theirs))
    middle = stats.binom.pmf(min(b, c), b + c, 0.5)
    assert (found["b"], found["c"]) == (b, c)
    assert found["p"] == pytest.approx(exact)
    assert found["mid_p"] == pytest.approx(exact - middle if b != c else 1 - middle / 2)


def test_mcnemar_on_very_many_rows_is_a_number() -> None:
    found = mcnemar(np.repeat([True, False], [60_000, 61_000]), np.repeat([False, True], [60_000, 61_000]))
    assert found["p"] == pytest.approx(2 * stats.norm.sf(999 / math.sqrt(121_000)), rel=0.01)


def test_diebold_mariano_without_lags_is_a_paired_test_of_means() -> None:
    random = np.random.default_rng(0)
    loss, other = random.exponential(1.0, 5_000), random.exponential(1.05, 5_000)
    found = diebold_mariano(loss, other, lags=0)
    expected = stats.ttest_rel(loss, other)
    assert found is not None
    assert found["statistic"] == pytest.approx(expected.statistic, rel=1e-3)
    assert found["p"] == pytest.approx(expected.pvalue, rel=1e-2)


@pytest.mark.parametrize("lags", [1, 5, 20])
def test_diebold_mariano_s_error_is_that_of_newey_and_west_widened_for_the_lags(lags: int) -> None:
    apart = in_time(np.random.default_rng(4), 4_000) + 0.05
    found = diebold_mariano(apart, np.zeros(4_000), lags=lags)
    theirs = OLS(apart, np.ones(4_000)).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False})
    assert found is not None
    assert found["difference"] == pytest.approx(theirs.params[0])
    widened = 1 + 2.9694 * lags / 4_000 / 1.96
    assert found["statistic"] == pytest.approx(theirs.tvalues[0] / widened, rel=1e-4)


def in_time(random: np.random.Generator, n: int = 600) -> np.ndarray:
    """Errors that remember the ones before."""
    shocks, found = random.normal(size=n), np.zeros(n)
    for at in range(1, n):
        found[at] = 0.6 * found[at - 1] + shocks[at]
    return found


def test_equal_forecasts_differ_as_rarely_as_the_level_says_though_errors_remember() -> None:
    wrong = {None: 0, 0: 0}
    for trial in range(TRIALS):
        apart = in_time(np.random.default_rng([2, trial]))
        for lags in wrong:
            found = diebold_mariano(apart, np.zeros(len(apart)), lags=lags)
            wrong[lags] += found is not None and found["p"] < 0.05
    assert wrong[None] / TRIALS <= ALLOWED + 0.03, "in 1,000 trials 6.9 %: a little often"
    assert wrong[0] / TRIALS > 0.2, "as independent rows they would differ far too often"


def test_few_or_odd_losses_have_no_test_and_equal_ones_do_not_differ() -> None:
    assert diebold_mariano(np.ones(7), np.zeros(7)) is None
    assert diebold_mariano(np.full(9, math.nan), np.zeros(9)) is None
    found = diebold_mariano(np.arange(9.0), np.arange(9.0))
    assert found is not None
    assert (found["difference"], found["p"]) == (0, 1)
