"""Late truth: where it comes while traffic still moves, it says more than anything else."""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, variance

from trimtab.rollout.judge.checking import Case, Rule
from trimtab.rollout.judge.distributions import SIZES
from trimtab.rollout.judge.scores import matched
from trimtab.rollout.judge.verdict import Check

_NORMAL = NormalDist()


def check_truth(case: Case, rule: Rule) -> Check | None:
    """Fails when the new version's answers were more wrong than the spec allows, and it is no accident.

    Losses of both versions in the same minutes, compared by Welch's test at sizes fixed in advance. None while no
    answer of both has met its truth.
    """
    old = case.evidence.old
    if old is None or not case.evidence.side_by_side:
        return None
    mine, theirs = matched(case.span, case.evidence.new.losses, old.losses)
    count, limit = len(mine), case.rollout.judge.max_loss_increase
    if not count:
        return None
    base = fmean(theirs)
    increase = (fmean(mine) - base) / base if base else math.inf * (fmean(mine) > 0)
    p_value = _best_p(mine, theirs)
    figures = {
        "value": increase if math.isfinite(increase) else None,
        "interval": _interval(mine, theirs, base),
        "limit": limit,
        "unit": "more wrong, as a share",
        "n_new": count,
        "n_old": count,
        "p_value": p_value,
    }
    said = f"the mean loss of {count} answers with truth is {fmean(mine):.4g}, the old version's {base:.4g}"
    if count < case.rollout.judge.min_points:
        return rule.check("inconclusive", f"{said}: {case.rollout.judge.min_points} are needed", **figures)
    if increase > limit and p_value <= rule.alpha:
        return rule.check("fail", f"{said}: {limit:.0%} more are allowed, and it is no accident", **figures)
    return rule.check("pass", f"{said}: no evidence of {limit:.0%} more", **figures)


def _best_p(mine: Sequence[float], theirs: Sequence[float]) -> float:
    """One-sided, the smallest over all sizes reached, corrected for their number."""
    sizes = [size for size in SIZES if size <= len(mine)]
    found = (1 - _NORMAL.cdf(_z(mine[:size], theirs[:size])) for size in sizes)
    return min(1.0, len(SIZES) * min(found, default=1.0))


def _z(mine: Sequence[float], theirs: Sequence[float]) -> float:
    """Difference of the means in its standard errors (Welch 1947); samples of 50 or more, so normal."""
    spread = _spread(mine, theirs)
    shift = fmean(mine) - fmean(theirs)
    return shift / spread if spread else 0.0 if shift <= 0 else math.inf


def _spread(mine: Sequence[float], theirs: Sequence[float]) -> float:
    return math.sqrt((variance(mine) + variance(theirs)) / len(mine))


def _interval(mine: Sequence[float], theirs: Sequence[float], base: float) -> tuple[float, float] | None:
    if len(mine) < 2 or not base:
        return None
    middle, half = fmean(mine) - fmean(theirs), _NORMAL.inv_cdf(0.975) * _spread(mine, theirs)
    return (middle - half) / base, (middle + half) / base
