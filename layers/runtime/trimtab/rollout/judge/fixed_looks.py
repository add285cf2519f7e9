"""Old and new fleet compared by their errors over the same window."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

_NEGLIGIBLE = 1e-18


@dataclass(frozen=True)
class FleetCounts:
    """Requests that a fleet answered in a window, and how many of them with a 5xx."""

    requests: int
    errors: int

    def __post_init__(self) -> None:
        if not 0 <= self.errors <= self.requests:
            raise ValueError(f"{self.errors} errors in {self.requests} requests cannot be")

    @property
    def share(self) -> float:
        """Errors as a share of requests, 0 to 1; 0 without requests."""
        return self.errors / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class Verdict:
    """What the comparison says, with the figures it rests on."""

    outcome: Literal["pass", "fail", "inconclusive"]
    message: str
    new: FleetCounts
    old: FleetCounts
    p_value: float
    """Chance of at least as many errors in the new fleet if it were no worse than what it is compared with."""


def judge_errors(
    new: FleetCounts, old: FleetCounts, *, max_error_share: float, min_requests: int, alpha: float = 0.001
) -> Verdict:
    """Fail when the new fleet errs above ``max_error_share`` and the excess is no accident (one-sided, at ``alpha``).

    With ``min_requests`` in the old fleet, Fisher's exact test against it, so requests that break both alike fail
    nobody; with fewer, the binomial test against the limit. Fewer than ``min_requests`` in the new fleet are
    inconclusive, unless the test has already failed it. ``alpha`` is per look: n looks at a fleet that is as good as
    the old one raise a false alarm with a chance of at most n x alpha.
    """
    compared = old.requests >= min_requests
    p_value = fisher_greater(new, old) if compared else binomial_greater(new, max_error_share)
    figures = f"new fleet {new.errors} of {new.requests} with 5xx, old fleet {old.errors} of {old.requests}"
    if new.share > max_error_share and p_value < alpha:
        return Verdict("fail", f"{figures}: p = {p_value:.2g} is below {alpha:g}", new, old, p_value)
    if new.requests < min_requests:
        return Verdict("inconclusive", f"{figures}: fewer than {min_requests} requests to judge by", new, old, p_value)
    return Verdict("pass", f"{figures}: no evidence that the new fleet is worse", new, old, p_value)


def binomial_greater(fleet: FleetCounts, share: float) -> float:
    """Probability, 0 to 1, of ``fleet.errors`` or more if each request failed with chance ``share`` (0 < share < 1)."""

    def log_term(count: int) -> float:
        failed, answered = count * math.log(share), (fleet.requests - count) * math.log1p(-share)
        return _log_choose(fleet.requests, count) + failed + answered

    return _tail(log_term, fleet.errors, fleet.requests)


def fisher_greater(new: FleetCounts, old: FleetCounts) -> float:
    """Probability, 0 to 1, of ``new.errors`` or more if the errors of both fleets had fallen on requests at random.

    Fisher's exact test, one-sided (Fisher 1935, "The Design of Experiments"): a hypergeometric tail.
    """
    errors, requests = new.errors + old.errors, new.requests + old.requests
    total = _log_choose(requests, errors)

    def log_term(count: int) -> float:
        return _log_choose(new.requests, count) + _log_choose(old.requests, errors - count) - total

    return _tail(log_term, new.errors, min(errors, new.requests))


def _tail(log_term: Callable[[int], float], start: int, end: int) -> float:
    """Sum of exp(log_term) from ``start`` to ``end``, both inclusive, cut off where terms add nothing more."""
    if start == 0:
        return 1.0
    terms: list[float] = []
    for count in range(start, end + 1):
        terms.append(math.exp(log_term(count)))
        if len(terms) > 1 and terms[-1] <= terms[-2] and terms[-1] < _NEGLIGIBLE:
            break
    return min(1.0, math.fsum(terms))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
