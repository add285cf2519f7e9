"""Minutes of two fleets: what CloudWatch and capture would have said of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from trimtab.rollout.judge.evidence import RANKS, Evidence, FleetEvidence, Latency, Score

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
_TYPICAL_MS = 40.0
_SAMPLED = 400
"""Latencies drawn of a minute; more would not move its percentiles."""


@dataclass(frozen=True)
class Scenario:
    """Two fleets behind one endpoint; ``share`` of the requests goes to the new one."""

    name: str
    per_second: float = 20.0
    share: float = 0.2
    base_errors: float = 0.001
    """Chance of a 5xx in the old fleet, on an ordinary minute."""
    more_errors: float = 0.0
    """What the new fleet adds."""
    slower: float = 0.0
    """As a share of what a request takes."""
    knows_nothing: bool = False
    """The new version's scores do not depend on the record: it learned from shuffled labels."""
    outage: bool = False
    """Every twentieth minute both fleets fail a tenth of their requests."""
    mood: float = 0.03
    """Spread of a fleet's own latency from minute to minute; a load that both share comes on top."""
    minutes: int = 30


def play(scenario: Scenario, seed: int) -> list[Evidence]:
    """The evidence after each minute."""
    random = np.random.default_rng(seed)
    found: list[Evidence] = []
    new, old = FleetEvidence({}, {}, {}), FleetEvidence({}, {}, {})
    for number in range(scenario.minutes):
        load, errors = np.exp(random.normal(0, 0.3)), _errors(scenario, number)
        counts = random.poisson(scenario.per_second * 60 * np.array([scenario.share, 1 - scenario.share]))
        new = _with(new, number, int(counts[0]), errors + scenario.more_errors, load * (1 + scenario.slower), scenario,
                    random, bad=True)  # fmt: skip
        old = _with(old, number, int(counts[1]), errors, load, scenario, random, bad=False)
        found.append(Evidence(START, new, old))
    return found


def _errors(scenario: Scenario, number: int) -> float:
    return 0.1 if scenario.outage and number % 20 == 10 else scenario.base_errors


def _with(
    fleet: FleetEvidence,
    number: int,
    requests: int,
    errors: float,
    load: float,
    scenario: Scenario,
    random: np.random.Generator,
    *,
    bad: bool,
) -> FleetEvidence:
    if not requests:
        return fleet
    minute = START + timedelta(minutes=number)
    typical = _TYPICAL_MS * load * np.exp(random.normal(0, scenario.mood))
    drawn = typical * np.exp(random.normal(0, 0.4, min(requests, _SAMPLED)))
    latency = Latency(requests, tuple(np.percentile(drawn, RANKS).tolist()))
    scores = tuple(_scores(random, minute, min(requests, 40), bad=bad and scenario.knows_nothing))
    return FleetEvidence(
        {**fleet.requests, minute: float(requests)},
        {**fleet.errors, minute: float(random.binomial(requests, errors))},
        {**fleet.latency, minute: latency},
        (*fleet.scores, *scores),
    )


def _scores(random: np.random.Generator, minute: datetime, count: int, *, bad: bool) -> Iterator[Score]:
    """As of flights: most are low, some high; of a version that knows nothing all lie about the base rate."""
    drawn = random.normal(0.24, 0.04, count) if bad else random.beta(1.6, 5, count)
    for value in drawn:
        yield Score(minute, str(random.integers(1 << 60)), float(value))
