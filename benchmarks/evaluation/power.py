"""How often the champion's rule promotes a candidate, by the advantage that it truly has and the rows that judge it.

The rule as gates apply it: superior by 0, that is the whole interval of the paired difference (95 %, two-sided) lies
on the better side, so that a candidate without an advantage may be promoted in 2.5 of 100 trials. Candidate and
champion share most of what they know, as two trainings of one model do.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy.stats import norm

from trimtab.evaluation.bootstrap import resample
from trimtab.evaluation.draws import Stratified
from trimtab.evaluation.kinds import Kind
from trimtab.evaluation.metrics import Floats

ROWS = (500, 2_000, 8_000)
Made = tuple[Floats, Floats, Floats]
"""Labels, the candidate's scores, the champion's."""


def binary(random: np.random.Generator, n: int, effect: float) -> Made:
    """The candidate's true AUC is the champion's 0.70 plus ``effect``; their scores correlate 0.9 within a class."""
    label = (random.random(n) < 0.25).astype(float)
    noise = random.normal(size=n)
    scores = []
    for auc in (0.70 + effect, 0.70):
        own = math.sqrt(0.9) * noise + math.sqrt(0.1) * random.normal(size=n)
        scores.append(norm.cdf(own + math.sqrt(2) * norm.ppf(auc) * label))
    return label, scores[0], scores[1]


def regression(random: np.random.Generator, n: int, effect: float) -> Made:
    """The candidate's true RMSE is the champion's 1 less ``effect``; their errors correlate 0.9."""
    label, noise = random.normal(size=n), random.normal(size=n)
    errors = [math.sqrt(0.9) * noise + math.sqrt(0.1) * random.normal(size=n) for _ in range(2)]
    return label, label + (1 - effect) * errors[0], label + errors[1]


CASES: dict[str, tuple[Kind, Callable[[np.random.Generator, int, float], Made], tuple[float, ...]]] = {
    "AUC, champion 0.70": (Kind("binary", "auc"), binary, (0.0, 0.01, 0.02, 0.04)),
    "RMSE, champion 1.00": (Kind("regression", "rmse"), regression, (0.0, 0.01, 0.02, 0.05)),
}


def print_power(trials: int, rounds: int) -> None:
    """A table for each kind of problem: share of promotions by true advantage and rows."""
    error = 1.96 * math.sqrt(0.025 * 0.975 / trials)
    print(f"{trials} trials, {rounds} rounds; at no advantage 2.5 % ± {100 * error:.1f} is what the rule states")
    for title, (kind, make, effects) in CASES.items():
        print(f"\n{title}; true advantage" + "".join(f"{effect:>9g}" for effect in effects))
        for n in ROWS:
            shares = (promoted(kind, make, n, effect, trials, rounds) / trials for effect in effects)
            print(f"{n:>10,} rows" + " " * (len(title) + 1) + "".join(f"{100 * share:>7.1f} %" for share in shares))


def promoted(
    kind: Kind,
    make: Callable[[np.random.Generator, int, float], Made],
    n: int,
    effect: float,
    trials: int,
    rounds: int,
) -> int:
    """Trials in which the rule promotes the candidate."""
    found = 0
    for trial in range(trials):
        label, candidate, champion = make(np.random.default_rng([n, trial]), n, effect)
        ready = {"a": kind.scored(label, candidate), "b": kind.scored(label, champion)}
        rows = Stratified(kind.strata(label))
        measured = resample(ready, rows, rounds=rounds, confidence=0.95, seed=trial, n=n)
        difference = measured.difference("a", "b", kind.primary)
        found += difference.lo > 0 if kind.higher_is_better else difference.hi < 0
    return found
