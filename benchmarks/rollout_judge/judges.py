"""Trimtab's judge and what others do, on the same minutes. Each says after which minute it would go back."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.rollout_judge.streams import START
from trimtab.rollout.judge.evidence import Evidence, FleetEvidence
from trimtab.rollout.judge.judge import judge
from trimtab.spec.rollout import RolloutSpec

Values = NDArray[np.float64]
Judge = Callable[[Sequence[Evidence]], int | None]
"""Evidence after each minute → number of minutes until it goes back; None when it never does."""


def trimtab(looks: Sequence[Evidence]) -> int | None:
    """All rules of the default spec, a look a minute."""
    rollout = RolloutSpec()
    for number, evidence in enumerate(looks, start=1):
        if judge(evidence, rollout, START + timedelta(minutes=number)).outcome == "fail":
            return number
    return None


def repeated_fisher(looks: Sequence[Evidence]) -> int | None:
    """Trimtab before: Fisher's exact test at 0.001, again at each look, above one per cent of errors."""
    for number, evidence in enumerate(looks, start=1):
        (errors, requests), (old_errors, old_requests) = _totals(evidence.new), _totals(_old(evidence))
        table = [[errors, requests - errors], [old_errors, old_requests - old_errors]]
        share = errors / requests if requests else 0.0
        if share > 0.01 and stats.fisher_exact(table, alternative="greater").pvalue < 0.001:
            return number
    return None


def threshold(looks: Sequence[Evidence]) -> int | None:
    """Argo Rollouts' documented kind of analysis: more than one per cent of 5xx in a minute, and it aborts."""
    return _kth_bad_minute(looks, 1)


def five_checks(looks: Sequence[Evidence]) -> int | None:
    """Flagger's documented default: the fifth minute below 99 per cent of success, or above 500 ms at the 95th."""
    return _kth_bad_minute(looks, 5)


def _kth_bad_minute(looks: Sequence[Evidence], limit: int) -> int | None:
    new, bad = looks[-1].new, 0
    for number in range(1, len(looks) + 1):
        minute = START + timedelta(minutes=number - 1)
        requests = new.requests.get(minute, 0)
        slow = minute in new.latency and new.latency[minute].percentiles_ms[-1] > 500
        bad += bool(requests) and (new.errors[minute] / requests > 0.01 or slow)
        if bad >= limit:
            return number
    return None


def kayenta(looks: Sequence[Evidence]) -> int | None:
    """NetflixACAJudge's rule on minutes of latency and error share: 98 per cent, a quarter of the shift tolerated.

    Asked again each minute from the 50th on, which is the least it recommends.
    """
    return _mann_whitney(looks, 50)


def impatient_kayenta(looks: Sequence[Evidence]) -> int | None:
    """The same rule, asked from the fifth minute on."""
    return _mann_whitney(looks, 5)


def _mann_whitney(looks: Sequence[Evidence], least: int) -> int | None:
    for number in range(least, len(looks) + 1):
        evidence = looks[number - 1]
        for measure in (_error_shares, _latencies):
            new, old = measure(evidence.new), measure(_old(evidence))
            if _is_higher(new, old):
                return number
    return None


def _is_higher(new: Values, old: Values) -> bool:
    """The interval of the shift at 98 per cent lies above a quarter of its Hodges-Lehmann estimate."""
    if min(len(new), len(old)) < 5 or (np.ptp(new) == 0 and np.ptp(old) == 0):
        return False
    shift = float(np.median(np.subtract.outer(new, old)))
    if shift <= 0:
        return False
    return bool(stats.mannwhitneyu(new - 0.25 * shift, old, alternative="greater").pvalue < 0.01)


def _error_shares(fleet: FleetEvidence) -> Values:
    return np.array([fleet.errors[minute] / count for minute, count in fleet.requests.items()])


def _latencies(fleet: FleetEvidence) -> Values:
    return np.array([latency.typical_ms for latency in fleet.latency.values()])


def _totals(fleet: FleetEvidence) -> tuple[int, int]:
    return round(sum(fleet.errors.values())), round(sum(fleet.requests.values()))


def _old(evidence: Evidence) -> FleetEvidence:
    return evidence.old or FleetEvidence()


JUDGES: dict[str, Judge] = {
    "Trimtab": trimtab,
    "Fisher again and again": repeated_fisher,
    "Argo's threshold": threshold,
    "Flagger's five checks": five_checks,
    "Kayenta, 50 points": kayenta,
    "Kayenta, from 5": impatient_kayenta,
}
