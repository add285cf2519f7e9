"""A slower fleet is found by minutes, not by requests: those of one minute share their machine's mood."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from trimtab.rollout.judge.evidence import RANKS, Evidence, FleetEvidence, Latency
from trimtab.rollout.judge.judge import judge
from trimtab.rollout.judge.sequential import log_e_mean, log_e_positive, log_e_signs
from trimtab.rollout.judge.verdict import Check
from trimtab.spec.judging import JudgeSpec
from trimtab.spec.rollout import RolloutSpec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ALPHA = 0.05


def latencies(typical_ms: Sequence[float], requests: int = 100, first: int = 0) -> dict[datetime, Latency]:
    """Log-normal, exactly: no chance but what ``typical_ms`` says of each minute."""
    shape = np.exp(np.quantile(np.random.default_rng(0).normal(0, 0.4, 20_000), np.array(RANKS) / 100))
    return {
        NOON + timedelta(minutes=first + number): Latency(requests, tuple((shape * each).tolist()))
        for number, each in enumerate(typical_ms)
    }


def judged(
    new: Sequence[float], old: Sequence[float], requests: int = 100, first_old: int = 0, **rollout: Any
) -> Check:
    mine, theirs = latencies(new, requests), latencies(old, requests, first_old)
    fleets = [FleetEvidence(dict.fromkeys(found, float(requests)), latency=found) for found in (mine, theirs)]
    settings = {"judge": JudgeSpec()} | rollout
    judgement = judge(
        Evidence(NOON, fleets[0], fleets[1], side_by_side="strategy" not in rollout),
        RolloutSpec(**settings),
        NOON + timedelta(minutes=len(new)),
    )
    check = judgement.check("latency")
    assert check is not None
    return check


def moody(count: int, factor: float, seed: int, spread: float = 0.05) -> tuple[list[float], list[float]]:
    """Both fleets' typical latencies: a load that both share, and a mood of each."""
    random = np.random.default_rng(seed)
    load = 40 * np.exp(random.normal(0, 0.3, count))
    moods = np.exp(random.normal(0, spread, (2, count)))
    return (factor * load * moods[0]).tolist(), (load * moods[1]).tolist()


def test_a_quarter_slower_fails_within_ten_minutes_of_bake() -> None:
    failed = [
        next(look for look in range(1, 11) if judged(new[:look], old[:look]).outcome == "fail")
        for new, old in (moody(10, 1.25, seed, spread=0.03) for seed in range(50))
    ]
    assert max(failed) <= 9


def test_the_typical_slowdown_its_interval_and_the_points_are_told() -> None:
    check = judged(*moody(10, 1.25, 3))
    assert check.outcome == "fail"
    assert check.value is not None
    assert check.value == pytest.approx(0.25, abs=0.07)
    assert check.interval is not None
    assert check.interval[0] < check.value < check.interval[1]
    assert (check.n_new, check.n_old, check.limit) == (1000, 1000, 0.15)


def test_a_slowdown_within_the_limit_passes_however_sure_it_is() -> None:
    check = judged([44.0] * 30, [40.0] * 30)
    assert check.e_value is not None
    assert check.e_value > 1e6
    assert check.outcome == "pass"


def test_a_slowdown_of_less_than_a_millisecond_is_held_against_nobody() -> None:
    assert judged([3.0] * 10, [2.1] * 10).outcome == "pass"
    assert judged([3.0] * 10, [2.1] * 10, judge=JudgeSpec(min_slowdown_ms=0.5)).outcome == "fail"


@pytest.mark.parametrize(("minutes", "requests"), [(2, 1000), (9, 5)])
def test_fewer_than_fifty_points_or_three_minutes_are_inconclusive_however_slow(minutes: int, requests: int) -> None:
    assert judged([400.0] * minutes, [40.0] * minutes, requests).outcome == "inconclusive"


def test_a_large_slowdown_of_few_minutes_that_disagree_is_no_evidence() -> None:
    check = judged([60.0, 20.0, 58.0], [40.0] * 3)
    assert check.value == pytest.approx(0.45)
    assert check.outcome == "pass"


def test_minutes_in_which_only_one_fleet_answered_are_no_evidence() -> None:
    assert judged([400.0] * 10, [40.0] * 10, first_old=20).outcome == "inconclusive"


def test_all_at_once_is_compared_with_the_hour_before() -> None:
    moved: dict[str, Any] = {"strategy": "all_at_once", "first_old": -30}
    assert judged([60.0, 61.0, 59.0, 60.0, 62.0], [40.0, 41.0, 39.0] * 10, **moved).outcome == "fail"
    assert judged([40.0, 41.0, 39.0, 40.0, 41.0], [40.0, 41.0, 39.0] * 10, **moved).outcome == "pass"


def ever(log_e: Any, differences: np.ndarray[Any, Any]) -> float:
    """Share of runs in which a bet has grown to 1 / ALPHA at any minute."""
    runs = differences.tolist()
    return float(np.mean([any(log_e(run[:look]) >= np.log(1 / ALPHA) for look in range(2, 61)) for run in runs]))


def most(runs: int) -> float:
    """ALPHA and three standard errors of a simulation."""
    return float(ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / runs))


@pytest.mark.parametrize("bet", [log_e_signs, log_e_mean, log_e_positive])
@pytest.mark.parametrize("kind", ["normal", "heavy tails", "bursts"])
def test_bets_on_equal_fleets_grow_at_most_as_often_as_alpha_says(bet: Any, kind: str) -> None:
    """Looked at every minute for an hour: with normal minutes, Student's t of 3, and minutes ten times as noisy."""
    random = np.random.default_rng(5)
    runs = 400
    noise = {
        "normal": lambda: random.normal(0, 0.1, (runs, 60)),
        "heavy tails": lambda: random.standard_t(3, (runs, 60)) * 0.1,
        "bursts": lambda: random.normal(0, 0.02, (runs, 60)) * np.where(random.random((runs, 60)) < 0.1, 10, 1),
    }[kind]()
    assert ever(bet, noise) <= most(runs)


def test_the_t_bet_is_the_ratio_of_two_integrals() -> None:
    """Against numerical integration over the spread, with the right Haar prior."""
    from scipy import integrate

    from trimtab.rollout.judge.sequential import EFFECTS

    values = np.array([0.2, 0.5, -0.1, 0.4])

    def likelihood(effect: float) -> float:
        def at(scale: float) -> float:
            return float(np.exp(-((values / scale - effect) ** 2).sum() / 2) / scale ** (len(values) + 1))

        return float(integrate.quad(at, 0, np.inf, limit=200)[0])

    expected = sum(weight * likelihood(effect) for weight, effect in EFFECTS) / likelihood(0.0)
    assert np.exp(log_e_mean(values.tolist())) == pytest.approx(expected, rel=1e-6)
