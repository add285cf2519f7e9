"""The bias figures and their intervals against Fairlearn, SciPy and simulation."""

import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equalized_odds_difference,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from trimtab.evaluation.bias import Decisions, measure_bias
from trimtab.evaluation.proportions import Share, bonferroni, difference, ratio, wilson
from trimtab.spec.gates import BiasRule

RULE = BiasRule(min_group_rows=20, min_group_outcomes=10)


@pytest.mark.parametrize(("seed", "groups", "n"), [(0, 2, 700), (1, 3, 2_000), (2, 6, 3_000)])
def test_aggregates_and_rates_are_fairlearn_s(seed: int, groups: int, n: int) -> None:
    generator = np.random.default_rng(seed)
    group = generator.integers(0, groups, n)
    label = (generator.random(n) < 0.2 + 0.1 * group).astype(int)
    decided = (generator.random(n) < generator.uniform(0.2, 0.8, groups)[group]).astype(int)
    found = measure_bias(
        {"g": {}}, RULE.model_dump(), {"g": group}, Decisions(decided.astype(bool), label.astype(bool))
    )["g"]
    frame = MetricFrame(
        metrics={"selection_rate": selection_rate, "tpr": true_positive_rate, "fpr": false_positive_rate},
        y_true=label,
        y_pred=decided,
        sensitive_features=group,
    )
    for described in found["groups"]:
        expected = frame.by_group.loc[int(described["group"])]
        for rate in ("selection_rate", "tpr", "fpr"):
            assert described[rate]["value"] == pytest.approx(expected[rate], abs=1e-12)
    asked = {"y_true": label, "y_pred": decided, "sensitive_features": group}
    assert found["overall"] == pytest.approx(
        {
            "demographic_parity_difference": demographic_parity_difference(**asked),
            "demographic_parity_ratio": demographic_parity_ratio(**asked),
            "equal_opportunity_difference": equal_opportunity_difference(**asked),
            "equalized_odds_difference": equalized_odds_difference(**asked),
        },
        abs=1e-12,
    )


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 500), share=st.floats(0, 1), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_s_interval_is_scipy_s(n: int, share: float, confidence: float) -> None:
    hits = round(n * share)
    expected = binomtest(hits, n).proportion_ci(confidence, "wilson")
    assert wilson(Share(hits, n), confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_newcombe_s_interval_is_that_of_his_paper() -> None:
    """Newcombe (1998), table II, method 10, example (a): 56/70 less 48/80 is 0.2000 [0.0524, 0.3339]."""
    assert difference(Share(56, 70), Share(48, 80), 0.95) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize(("p", "q", "n", "m"), [(0.5, 0.5, 100, 300), (0.3, 0.24, 200, 200), (0.1, 0.08, 400, 150)])
def test_intervals_of_differences_and_ratios_cover_what_they_claim(p: float, q: float, n: int, m: int) -> None:
    """4,000 pairs of samples; three Monte-Carlo standard errors below 95 % are allowed, or half a point."""
    generator, rounds = np.random.default_rng(0), 4_000
    held = np.zeros(2)
    for one, other in zip(generator.binomial(n, p, rounds), generator.binomial(m, q, rounds), strict=True):
        shares = Share(int(one), n), Share(int(other), m)
        held += [
            found[1] <= true <= found[2]
            for found, true in (
                (difference(*shares, 0.95), p - q),
                (ratio(*shares, 0.95), p / q),
            )
        ]
    assert (held / rounds > 0.95 - max(0.005, 3 * (0.95 * 0.05 / rounds) ** 0.5)).all(), held / rounds


def test_intervals_without_rows_hold_everything_or_nothing() -> None:
    assert wilson(Share(0, 0), 0.95) == (0.0, 1.0)
    assert all(np.isnan(difference(Share(0, 0), Share(1, 2), 0.95)))
    assert all(np.isnan(ratio(Share(0, 0), Share(1, 2), 0.95)))
    value, low, high = ratio(Share(3, 10), Share(0, 10), 0.95)
    assert np.isnan(value)
    assert 0 < low < high < np.inf


def test_bonferroni_divides_what_is_left_of_the_confidence() -> None:
    assert bonferroni(0.95, 5) == pytest.approx(0.99)
    assert bonferroni(0.95, 0) == 0.95
