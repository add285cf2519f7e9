"""Answers: a successor that is quick, never fails, and is wrong.

Captured answers name their version, so both fleets' scores can be laid side by side. Three questions, none of which
needs truth: do both versions' scores look alike in the same minutes, do the new one's look like those of its own
hold-out as far as the old one's do, and do both rank the same records alike?
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from trimtab.rollout.judge.checking import Case, Rule
from trimtab.rollout.judge.distributions import (
    LEAST_RECORDS,
    SIZES,
    best_p,
    correlation_interval,
    distance,
    margin,
    rank_correlation,
)
from trimtab.rollout.judge.evidence import Score
from trimtab.rollout.judge.minutes import Span
from trimtab.rollout.judge.verdict import Check

PER_MINUTE = 200
"""Scores of a fleet in a minute that are looked at, chosen by a digest of the request's id."""
_INTERVAL_ALPHA = 0.05
_UNSURE = 0.02
"""Two-sided, for the correlation of versions that differ; equal ones correlate with 1."""


def check_scores(case: Case, rule: Rule) -> Check | None:
    """Fails when both fleets' scores are distributed differently by more than the spec allows, and it is no accident.

    Requests fall on the fleets at random, so in one minute equal versions see equal requests. Each minute gives as many
    scores of the one as of the other. None without an old fleet in the same minutes.
    """
    old = case.evidence.old
    if old is None or not case.evidence.side_by_side:
        return None
    new_scores, old_scores = matched(case.span, case.evidence.new.scores, old.scores)
    count, least = len(new_scores), case.rollout.judge.min_points
    if not count:
        return rule.check("inconclusive", "no captured scores of both fleets in the same minute")
    found, limit = distance(new_scores, old_scores), case.rollout.judge.max_score_distance
    p_value, sure = best_p(new_scores, old_scores), margin(count, _INTERVAL_ALPHA)
    figures = {
        "direction": "both",
        "value": found,
        "interval": (max(0.0, found - sure), min(1.0, found + sure)),
        "limit": limit,
        "unit": "distance of distributions",
        "n_new": count,
        "n_old": count,
        "p_value": p_value,
    }
    said = f"the distributions of {count} scores of each fleet are {found:.2f} apart"
    if count < least:
        return rule.check("inconclusive", f"{said}: {least} are needed", **figures)
    if found > limit and p_value <= rule.alpha:
        return rule.check("fail", f"{said}, allowed are {limit:.2f}, and it is no accident", **figures)
    return rule.check("pass", f"{said}: no evidence of more than {limit:.2f}", **figures)


def matched(span: Span, new: Sequence[Score], old: Sequence[Score]) -> tuple[list[float], list[float]]:
    """As many of the one as of the other from each judged minute, in order of time."""
    mine, theirs = _by_minute(new), _by_minute(old)
    left: list[float] = []
    right: list[float] = []
    for minute in span.within(mine.keys() & theirs.keys()):
        count = min(len(mine[minute]), len(theirs[minute]), PER_MINUTE)
        left += _chosen(mine[minute], count)
        right += _chosen(theirs[minute], count)
    return left, right


def _by_minute(scores: Sequence[Score]) -> dict[datetime, list[Score]]:
    found: defaultdict[datetime, list[Score]] = defaultdict(list)
    for score in scores:
        found[score.minute].append(score)
    return dict(found)


def _chosen(scores: Sequence[Score], count: int) -> list[float]:
    """The same scores at every look, and none by its value or its time."""
    ordered = sorted(scores, key=lambda score: hashlib.sha256(score.request.encode()).digest())
    return [score.value for score in ordered[:count]]


def check_profile(case: Case, rule: Rule) -> Check | None:
    """Fails when the new fleet's scores are far from those of its own hold-out while the old one's are near to theirs.

    Traffic that has changed since both were trained moves both. None where a hold-out's scores or an old fleet lack.
    """
    old = case.evidence.old
    if old is None or not case.evidence.side_by_side or not case.evidence.new.expected or not old.expected:
        return None
    mine, theirs = matched(case.span, case.evidence.new.scores, old.scores)
    count, least = len(mine), case.rollout.judge.min_points
    if count < least:
        return rule.check("inconclusive", f"{count} captured scores: {least} are needed", compare="profile")
    new_far, old_far = distance(mine, case.evidence.new.expected), distance(theirs, old.expected)
    found, limit = new_far - old_far, case.rollout.judge.max_score_distance
    p_value = _p_of_excess(mine, theirs, case.evidence.new.expected, old.expected)
    sure = 2 * margin(count, _INTERVAL_ALPHA / 2)
    figures = {
        "compare": "profile",
        "value": found,
        "interval": (max(-1.0, found - sure), min(1.0, found + sure)),
        "limit": limit,
        "unit": "distance beyond the old fleet's",
        "n_new": count,
        "n_old": count,
        "p_value": p_value,
    }
    said = f"scores are {new_far:.2f} from those of the hold-out, the old fleet's {old_far:.2f} from theirs"
    if found > limit and p_value <= rule.alpha:
        return rule.check("fail", f"{said}: {limit:.2f} more are allowed, and it is no accident", **figures)
    return rule.check("pass", f"{said}: no evidence of {limit:.2f} more", **figures)


def _p_of_excess(
    mine: Sequence[float], theirs: Sequence[float], expected: Sequence[float], expected_old: Sequence[float]
) -> float:
    """One of both distances errs by half the excess, or the excess is real (one-sample bound, Massart 1990)."""
    sizes = [size for size in SIZES if size <= len(mine)]
    excesses = (distance(mine[:size], expected) - distance(theirs[:size], expected_old) for size in sizes)
    found = (4 * math.exp(-size * max(0.0, each) ** 2 / 2) for each, size in zip(excesses, sizes, strict=True))
    return min(1.0, len(SIZES) * min(found, default=1.0))


def check_agreement(case: Case, rule: Rule) -> Check | None:
    """Fails when both versions rank the same records differently. None when no record was answered by both.

    The strongest of the three: it knows of each record what the other version said.
    """
    pairs = list(case.evidence.answers.values())
    if not pairs or case.evidence.old is None:
        return None
    limit, count = case.rollout.judge.min_agreement, len(pairs)
    if count < LEAST_RECORDS:
        said = f"{count} records were answered by both versions: {LEAST_RECORDS} are needed"
        return rule.check("inconclusive", said, direction="lower", n_new=count, n_old=count)
    if len({old for _, old in pairs}) < 2 and any(new != old for new, old in pairs):
        said = f"the old version says the same of all {count} records: there is no order to agree with"
        return rule.check("inconclusive", said, direction="lower", n_new=count, n_old=count)
    found = rank_correlation(pairs)
    figures = {
        "direction": "lower",
        "value": found,
        "interval": correlation_interval(found, count, _INTERVAL_ALPHA),
        "limit": limit,
        "unit": "rank correlation",
        "n_new": count,
        "n_old": count,
    }
    said = f"both versions rank {count} records with a correlation of {found:.2f}"
    if correlation_interval(found, count, _UNSURE)[1] < limit:
        return rule.check("fail", f"{said}: {limit:.2f} are the least, and it is no accident", **figures)
    return rule.check("pass", f"{said}: no evidence of less than {limit:.2f}", **figures)
