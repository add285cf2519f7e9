"""Evidence that stays honest however often it is looked at.

An e-process is a running product of bets against a hypothesis: while the hypothesis holds, it exceeds 1 / alpha at any
time with a chance of at most alpha (Ville 1939; Ramdas, Grünwald, Vovk, Shafer 2023, "Game-theoretic statistics and
safe anytime-valid inference"). So one may look every few seconds for hours, and stop when one likes. All logarithms are
natural; a log e-value of minus infinity is no evidence at all.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

Weighted = tuple[tuple[float, float], ...]
"""(weight, alternative) pairs; the weights add up to 1. Betting on several alternatives costs a constant factor."""
ODDS_RATIOS: Final[Weighted] = tuple((1 / 8, ratio) for ratio in (1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, 1000.0))
MULTIPLES: Final[Weighted] = tuple((1 / 6, multiple) for multiple in (1.5, 2.0, 3.0, 6.0, 20.0, 60.0))
HIGH_SHARES: Final[Weighted] = ((0.1, 0.6), (0.2, 0.75), (0.3, 0.9), (0.4, 0.97))
"""Of minutes in which the new fleet is the worse one; an equal one is in half of them."""
EFFECTS: Final[Weighted] = ((0.2, 0.5), (0.2, 1.0), (0.3, 3.0), (0.3, 8.0))
"""Mean of the differences, in their standard deviations."""
_LONGEST: Final = 700.0
"""Above this exp() overflows."""

Stratum = tuple[float, float, float, float]
"""Errors and requests of the new fleet, then of the old one, in one minute."""


def log_mixed(terms: Iterable[tuple[float, float]]) -> float:
    """log of the sum of weight x exp(log value)."""
    logs = [math.log(weight) + value for weight, value in terms if value > -math.inf]
    if not logs:
        return -math.inf
    top = max(logs)
    return top + math.log(math.fsum(math.exp(log - top) for log in logs))


def e_value(log_e: float) -> float:
    """The e-value of a log, cut off where a float ends."""
    return math.exp(min(log_e, _LONGEST))


def log_e_more_errors(strata: Sequence[Stratum]) -> float:
    """Evidence that the new fleet errs more often than the old one in the same minutes.

    Given how many errors a minute had in all, those of the new fleet follow a hypergeometric law if both fleets err
    alike, whatever the minute's own rate. The bet is their likelihood ratio at several odds ratios; its normalising
    constant is bounded by that of the binomial law (Hoeffding 1963, theorem 4), which loses next to nothing and makes
    each bet a closed form. Exact at every size; requests of a fleet must fail independently of each other.
    """
    bets = [(weight, math.fsum(_log_ratio(minute, ratio) for minute in strata)) for weight, ratio in ODDS_RATIOS]
    return log_mixed(bets)


def _log_ratio(minute: Stratum, ratio: float) -> float:
    new_errors, new, old_errors, old = minute
    if new + old == 0:
        return 0.0
    share = new / (new + old)
    return new_errors * math.log(ratio) - (new_errors + old_errors) * math.log1p(share * (ratio - 1))


def log_e_above(errors: float, requests: float, limit: float) -> float:
    """Evidence that requests fail with a chance above ``limit`` (between 0 and 1): ratios of Bernoulli likelihoods."""
    bets = []
    for weight, multiple in MULTIPLES:
        share = 1 - (1 - limit) / (1 + (multiple - 1) * limit)
        failed, answered = math.log(share / limit), math.log((1 - share) / (1 - limit))
        bets.append((weight, errors * failed + (requests - errors) * answered))
    return log_mixed(bets)


def log_e_positive(differences: Sequence[float]) -> float:
    """Evidence that differences of minutes tend to be above 0: the mean of a sign test and of a t-test.

    The sign test needs nothing but minutes that are as likely to be above as below if nothing is wrong; it can at most
    double with each. The t-test sees a plain difference sooner, and needs roughly normal minutes.
    """
    return log_mixed([(0.5, log_e_signs(differences)), (0.5, log_e_mean(differences))])


def log_e_signs(differences: Sequence[float]) -> float:
    """Evidence that more than half of all differences are above 0; zeros say nothing."""
    above, below = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    bets = [(weight, above * math.log(2 * share) + below * math.log(2 - 2 * share)) for weight, share in HIGH_SHARES]
    return log_mixed(bets)


def log_e_mean(differences: Sequence[float]) -> float:
    """Evidence that the mean of normal differences is above 0, whatever their spread.

    The likelihood ratio of the t-statistic, which is that of the right Haar prior on the spread (Pérez-Ortiz, Lardy, de
    Heide, Grünwald 2024, "E-statistics, group invariance and anytime-valid testing"). It grows with each difference, so
    what holds at a mean of 0 holds below 0 too.
    """
    count, total = len(differences), math.fsum(differences)
    square = math.fsum(each * each for each in differences)
    if count < 2 or total <= 0 or square == 0:
        return -math.inf
    slope = total / math.sqrt(square)
    return log_mixed((weight, _log_t_ratio(count, slope, effect)) for weight, effect in EFFECTS)


def _log_t_ratio(count: int, slope: float, effect: float) -> float:
    """Of effect to none; the integral of v^(n-1) exp(-v²/2 + av), over v above 0, at a = effect x slope and at 0."""
    bet = effect * slope
    return bet * bet / 2 - count * effect * effect / 2 + _log_moment(count, bet) - _log_moment(count, 0.0)


def _log_moment(order: int, shift: float) -> float:
    """log of exp(-a²/2) times the integral of v^(n-1) exp(-v²/2 + av), v above 0, for a = ``shift`` of 0 or more."""
    low = math.sqrt(2 * math.pi) * math.erfc(-shift / math.sqrt(2)) / 2
    high = math.exp(-shift * shift / 2) + shift * low
    if order == 1:
        return math.log(low)
    scale = 0.0
    for number in range(3, order + 1):
        low, high = high, shift * high + (number - 2) * low
        if high > 1e200:
            low, high, scale = low / 1e200, high / 1e200, scale + math.log(1e200)
    return math.log(high) + scale
