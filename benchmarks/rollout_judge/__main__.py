"""Prints how often each judge goes back, when, and what it costs until then.

    python -m benchmarks.rollout_judge [RUNS]

The streams are drawn, not measured: Poisson requests, errors that are independent of each other, latencies whose load
both fleets share while each has moods of its own, scores like those of the flights. The same seeds for every judge.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from statistics import mean, median

from benchmarks.rollout_judge.judges import JUDGES, Judge
from benchmarks.rollout_judge.streams import Scenario, play
from trimtab.rollout.judge.evidence import Evidence

BAKE = 10
"""Minutes of the default bake: what is noticed later is noticed after traffic has moved on."""
EQUAL = [
    Scenario("equal", minutes=60),
    Scenario("equal, 2 a second", per_second=2, minutes=60),
    Scenario("equal, 0.5 % errors", base_errors=0.005, minutes=60),
    Scenario("equal, an outage of both", outage=True, minutes=60),
    Scenario("equal, moods of 10 %", mood=0.10, minutes=60),
]
WORSE = [
    Scenario("always 500", more_errors=0.999),
    Scenario("5 % errors", more_errors=0.05),
    Scenario("1 % errors", more_errors=0.01),
    Scenario("25 % slower", slower=0.25),
    Scenario("twice as slow", slower=1.0),
    Scenario("knows nothing", knows_nothing=True),
]


def main() -> None:
    """Two tables."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    print(f"{runs} runs of each; one look a minute; a fifth of the requests goes to the new fleet\n")
    print("Equal fleets: share of runs that went back within an hour (Trimtab promises 2 % at most)\n")
    _table(EQUAL, runs, _share_of_runs)
    scenarios = [
        replace(s, name=f"{s.name}, {rate:g} a second", per_second=rate) for s in WORSE for rate in (200, 20, 2)
    ]
    print(f"\nWorse fleets: went back within {BAKE} minutes; median minute; failed requests until then\n")
    _table(scenarios, runs, _detection)


Ends = list[tuple[list[Evidence], int | None]]
"""Each run's looks, and after how many of them the judge went back."""


def _table(scenarios: list[Scenario], runs: int, cell: Callable[[Ends], str]) -> None:
    print("| fleets | " + " | ".join(JUDGES) + " |")
    print("|---" * (len(JUDGES) + 1) + "|")
    for scenario in scenarios:
        streams = [play(scenario, seed) for seed in range(runs)]
        cells = [cell(_ended(judge, streams)) for judge in JUDGES.values()]
        print(f"| {scenario.name} | " + " | ".join(cells) + " |", flush=True)


def _ended(judge: Judge, streams: list[list[Evidence]]) -> Ends:
    return [(looks, judge(looks)) for looks in streams]


def _share_of_runs(ends: Ends) -> str:
    return f"{mean(end is not None for _, end in ends):.0%}"


def _detection(ends: Ends) -> str:
    found = [(looks, end) for looks, end in ends if end is not None]
    if not found:
        return "never"
    within = sum(end <= BAKE for _, end in found) / len(ends)
    failed = mean(sum(looks[end - 1].new.errors.values()) for looks, end in found)
    return f"{within:.0%}; {median(end for _, end in found):g}; {failed:.0f}"


if __name__ == "__main__":
    main()
