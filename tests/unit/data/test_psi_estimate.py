"""A PSI's error is the one that repeated samples show, and chance is taken off it."""

import numpy as np
import pytest

from trimtab.data.drift.psi import psi
from trimtab.data.drift.psi_estimate import Estimate, psi_estimate

EVEN = np.full(11, 1 / 11)
TILTED = np.exp(0.4 * np.linspace(-1, 1, 11))
TILTED = TILTED / TILTED.sum()
RARE = np.r_[np.full(10, 0.099), 0.01]


def samples(before: np.ndarray, after: np.ndarray, n: int, m: int) -> tuple[np.ndarray, list[Estimate]]:
    """PSI and its estimate of 400 pairs of samples."""
    random = np.random.default_rng(7)
    pairs = list(zip(random.multinomial(n, before, 400), random.multinomial(m, after, 400), strict=True))
    estimates = [psi_estimate(*pair) for pair in pairs]
    assert None not in estimates
    return np.array([psi(*pair) for pair in pairs]), [found for found in estimates if found]


@pytest.mark.parametrize(("n", "m"), [(50_000, 1_000), (2_000, 2_000), (50_000, 30_000)])
@pytest.mark.parametrize("shares", [EVEN, RARE], ids=["even", "rare"])
def test_what_chance_adds_where_nothing_moved_is_taken_off(shares: np.ndarray, n: int, m: int) -> None:
    plain, estimates = samples(shares, shares, n, m)
    assert plain.mean() > 8 * (1 / n + 1 / m)
    assert abs(np.mean([found.value for found in estimates])) < 0.1 * plain.mean()


@pytest.mark.parametrize(("n", "m"), [(50_000, 1_000), (2_000, 2_000), (50_000, 30_000)])
@pytest.mark.parametrize("after", [EVEN, TILTED, RARE], ids=["unmoved", "tilted", "rare"])
def test_the_error_is_the_spread_of_repeated_samples(after: np.ndarray, n: int, m: int) -> None:
    _, estimates = samples(EVEN, after, n, m)
    spread = np.std([found.value for found in estimates])
    assert 0.85 < np.mean([found.error for found in estimates]) / spread < 1.35


def test_a_shift_keeps_its_size() -> None:
    _, estimates = samples(EVEN, TILTED, 50_000, 1_000)
    true = float(np.sum((TILTED - EVEN) * np.log(TILTED / EVEN)))
    assert np.mean([found.value for found in estimates]) == pytest.approx(true, rel=0.05)


def test_bins_that_one_side_leaves_empty_have_a_finite_error() -> None:
    found = psi_estimate([100, 100, 0, 0], [0, 0, 100, 100])
    assert found is not None
    assert found.value > 10
    assert 0 < found.error < found.value


def test_without_rows_nothing_is_estimated() -> None:
    assert psi_estimate([0, 0], [3, 4]) is None
    assert psi_estimate([3, 4], []) is None


def test_one_bin_has_neither_drift_nor_error() -> None:
    assert psi_estimate([10, 0], [20, 0]) == Estimate(0.0, 0.0)


def test_both_figures_are_plain_numbers_that_json_and_rules_can_take() -> None:
    found = psi_estimate(np.array([10, 30]), np.array([20, 20]))
    assert found is not None
    assert {type(found.value), type(found.error)} == {float}
