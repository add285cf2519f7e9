"""A successor that is quick and wrong is found by what it answers."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats

from trimtab.rollout.judge.distributions import best_p, distance, rank_correlation
from trimtab.rollout.judge.evidence import Evidence, FleetEvidence, Score
from trimtab.rollout.judge.judge import judge
from trimtab.rollout.judge.verdict import Check, Judgement
from trimtab.spec.judging import JudgeSpec
from trimtab.spec.rollout import RolloutSpec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Draw = Callable[[np.random.Generator, int], Any]
ROLLOUT = RolloutSpec(judge=JudgeSpec(without=("latency", "errors", "error_limit"), required=("scores",)))


def honest(random: np.random.Generator, count: int) -> Any:
    return random.beta(2, 6, count)


def slightly_other(random: np.random.Generator, count: int) -> Any:
    return random.beta(2, 5, count)


def knows_nothing(random: np.random.Generator, count: int) -> Any:
    return random.normal(0.25, 0.02, count)


def scores(draw: Draw, per_minute: list[int], seed: int) -> tuple[Score, ...]:
    random = np.random.default_rng(seed)
    return tuple(
        Score(NOON + timedelta(minutes=minute), f"{seed}-{minute}-{number}", float(value))
        for minute, count in enumerate(per_minute)
        for number, value in enumerate(draw(random, count))
    )


def judged(
    new: tuple[Score, ...],
    old: tuple[Score, ...],
    answers: dict[str, tuple[float, float]] | None = None,
    expected: tuple[tuple[float, ...], tuple[float, ...]] = ((), ()),
) -> Judgement:
    fleets = [FleetEvidence(scores=found, expected=e) for found, e in zip((new, old), expected, strict=True)]
    evidence = Evidence(NOON, fleets[0], fleets[1], answers=answers or {})
    return judge(evidence, ROLLOUT, NOON + timedelta(minutes=30))


def found(judgement: Judgement, rule: str) -> Check:
    check = judgement.check(rule)
    assert check is not None
    return check


@pytest.mark.parametrize(
    ("new", "old", "apart"),
    [
        ([], [0.5], 0.0),
        ([0.5] * 40, [0.5] * 40, 0.0),
        ([0.2] * 40, [0.8] * 40, 1.0),
        ([math.inf] * 40, [0.8] * 40, 1.0),
        ([math.nan] * 40, [0.8] * 40, 0.0),
        ([math.nan, 0.2, 0.8], [math.nan, 0.2, 0.8], 0.0),
        ([0.2, math.nan, 0.2], [0.8], 1.0),
    ],
)
def test_samples_of_any_kind_have_a_distance(new: list[float], old: list[float], apart: float) -> None:
    assert distance(new, old) == distance(old, new) == apart


def test_the_distance_agrees_with_scipy_also_with_ties() -> None:
    random = np.random.default_rng(1)
    for _ in range(50):
        a, b = random.integers(0, 9, random.integers(1, 40)), random.integers(0, 9, random.integers(1, 40))
        assert distance(a.tolist(), b.tolist()) == pytest.approx(stats.ks_2samp(a, b).statistic)


def test_the_rank_correlation_agrees_with_scipy_also_with_ties() -> None:
    random = np.random.default_rng(2)
    for _ in range(50):
        pairs = random.integers(0, 6, (30, 2)).astype(float)
        pairs[:, 1] += pairs[:, 0]
        expected = stats.spearmanr(pairs[:, 0], pairs[:, 1]).statistic
        assert rank_correlation([(a, b) for a, b in pairs.tolist()]) == pytest.approx(expected)


def test_a_model_that_knows_nothing_fails_after_a_few_hundred_requests() -> None:
    check = found(judged(scores(knows_nothing, [40] * 5, 1), scores(honest, [160] * 5, 2)), "scores")
    assert check.outcome == "fail"
    assert check.n_new == check.n_old == 200


def test_an_honest_successor_that_differs_a_little_passes() -> None:
    check = found(judged(scores(slightly_other, [200] * 10, 1), scores(honest, [800] * 10, 2)), "scores")
    assert check.outcome == "pass"
    assert check.p_value is not None
    assert check.p_value < 0.01


def test_a_change_of_traffic_at_the_moment_at_which_the_new_fleet_gets_its_share_is_not_held_against_it() -> None:
    """In the second half scores are higher for both, and the new fleet has most of its requests there."""
    high: Draw = lambda random, count: random.beta(6, 2, count)  # noqa: E731
    new = (*scores(honest, [10] * 5, 1), *_later(scores(high, [200] * 5, 2)))
    old = (*scores(honest, [200] * 5, 3), *_later(scores(high, [10] * 5, 4)))
    unmatched = distance([s.value for s in new], [s.value for s in old])
    assert unmatched > 0.5
    assert found(judged(new, old), "scores").outcome == "pass"


def _later(found: tuple[Score, ...]) -> tuple[Score, ...]:
    return tuple(Score(score.minute + timedelta(minutes=5), score.request, score.value) for score in found)


def test_fewer_than_fifty_scores_of_each_are_inconclusive_and_traffic_waits_when_they_are_required() -> None:
    judgement = judged(scores(knows_nothing, [49], 1), scores(honest, [500], 2))
    assert found(judgement, "scores").outcome == "inconclusive"
    assert judgement.outcome == "inconclusive"


def test_equal_versions_looked_at_every_minute_are_hardly_ever_told_apart() -> None:
    random = np.random.default_rng(3)
    wrong = 0
    for _ in range(300):
        new, old = honest(random, 1600).tolist(), honest(random, 1600).tolist()
        wrong += best_p(new, old) <= 0.05
    assert wrong / 300 <= 0.05


def test_a_version_that_is_not_itself_in_production_fails_while_changed_traffic_that_moves_both_does_not() -> None:
    profile = tuple(np.quantile(honest(np.random.default_rng(9), 20_000), np.linspace(0, 1, 100)).tolist())
    broken, same = scores(knows_nothing, [150] * 5, 1), scores(honest, [150] * 5, 2)
    assert found(judged(broken, same, expected=(profile, profile)), "profile").outcome == "fail"
    drifted = scores(knows_nothing, [150] * 5, 3)
    both = found(judged(broken, drifted, expected=(profile, profile)), "profile")
    assert both.value == pytest.approx(0, abs=0.05)
    assert both.outcome == "pass"


@pytest.mark.parametrize(("share", "outcome"), [(1.0, "pass"), (0.6, "pass"), (0.0, "fail")])
def test_versions_that_rank_the_same_records_differently_fail(share: float, outcome: str) -> None:
    """``share`` of what the new version answers is what the old one did, the rest is noise."""
    random = np.random.default_rng(4)
    pairs = random.random((100, 2)).tolist()
    answers = {str(n): (float(share * o + (1 - share) * e), float(o)) for n, (o, e) in enumerate(pairs)}
    assert found(judged((), (), answers), "agreement").outcome == outcome


def test_a_few_records_answered_by_both_are_inconclusive() -> None:
    answers = {str(number): (float(-number), float(number)) for number in range(29)}
    assert found(judged((), (), answers), "agreement").outcome == "inconclusive"


@pytest.mark.parametrize(("successor", "outcome"), [(0.2, "pass"), (0.4, "inconclusive")])
def test_a_champion_that_says_the_same_of_all_gives_no_order_to_agree_with(successor: float, outcome: str) -> None:
    answers = {str(number): (successor + (number % 7 if successor != 0.2 else 0), 0.2) for number in range(120)}
    assert found(judged((), (), answers), "agreement").outcome == outcome


def test_a_successor_that_says_the_same_of_all_records_fails_where_the_champion_told_them_apart() -> None:
    answers = {str(number): (0.2, float(number)) for number in range(120)}
    assert found(judged((), (), answers), "agreement").outcome == "fail"


def losses(mean: float, count: int, seed: int) -> tuple[Score, ...]:
    return scores(lambda random, size: random.exponential(mean, size), [count] * 5, seed)


def judged_by_truth(new: tuple[Score, ...], old: tuple[Score, ...]) -> Judgement:
    evidence = Evidence(NOON, FleetEvidence(losses=new), FleetEvidence(losses=old))
    return judge(evidence, ROLLOUT, NOON + timedelta(minutes=30))


def test_a_version_that_truth_finds_more_wrong_fails_and_one_as_wrong_as_the_old_one_passes() -> None:
    old = losses(0.2, 400, 1)
    worse = found(judged_by_truth(losses(0.3, 100, 2), old), "truth")
    assert worse.outcome == "fail"
    assert worse.value == pytest.approx(0.5, abs=0.2)
    assert found(judged_by_truth(losses(0.2, 100, 3), old), "truth").outcome == "pass"
    assert found(judged_by_truth(losses(0.1, 100, 4), old), "truth").outcome == "pass"


def test_more_loss_fails_only_with_evidence_and_beyond_the_limit() -> None:
    proven = found(judged_by_truth(losses_of(0.204, 0.01, 1000, 1), losses_of(0.2, 0.01, 1000, 2)), "truth")
    assert proven.p_value is not None
    assert proven.p_value < 1e-6
    assert proven.outcome == "pass"
    by_chance = found(judged_by_truth(losses_of(0.3, 1.0, 12, 3), losses_of(0.2, 1.0, 12, 4)), "truth")
    assert by_chance.value is not None
    assert by_chance.value > 0.1
    assert by_chance.outcome == "pass"


def losses_of(mean: float, spread: float, count: int, seed: int) -> tuple[Score, ...]:
    return scores(lambda random, size: mean + random.normal(0, spread, size), [count] * 5, seed)


def test_little_truth_is_inconclusive_and_none_is_no_matter() -> None:
    assert found(judged_by_truth(losses(0.9, 9, 1), losses(0.2, 9, 2)), "truth").outcome == "inconclusive"
    assert judged_by_truth((), ()).check("truth") is None
