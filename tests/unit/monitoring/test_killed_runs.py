"""A monitoring run that is killed anywhere and whose step is repeated ends as one that nobody disturbed."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.functions.scene import Scene
from tests.unit.monitoring.production import Production, population, truth_of
from tests.unit.monitoring.watching import Killed, Life, Mortal

ROWS = 300
Json = dict[str, Any]


def watched() -> Production:
    """Version 1 serves, yesterday was measured, and today's traffic has moved; truth has come for both days."""
    production = Production()
    production.serve(1)
    for day, low in enumerate((0.0, 0.5)):
        rows = {name: values[:ROWS] for name, values in population(11 + day, low=low, first=day * ROWS).items()}
        production.traffic(rows, count=ROWS)
        production.truth(rows, f"day-{day}", truth_of(population(11 + day, low=low))[:ROWS])
        if day == 0:
            steps(production)
            production.scene.later(days=1)
    return production


def inputs(name: str, done: dict[str, Json]) -> Json:
    """What the machine's definition gives to a step."""
    window = done["collect_window"]["window"] if "collect_window" in done else None
    given: dict[str, Json] = {
        "measure_drift": {"window": window},
        "measure_quality": {"window": window, "joined": done.get("join_truth", {}).get("joined", [])},
        "publish_metrics": {
            "window": window,
            "drift": done.get("measure_drift"),
            "quality": done.get("measure_quality", {}),
        },
    }
    return given.get(name, {})


STEPS = ("collect_window", "measure_drift", "join_truth", "measure_quality", "publish_metrics", "measure_change")


def steps(production: Production, until: str = "") -> dict[str, Json]:
    """Answers of the steps before ``until``, or of all."""
    done: dict[str, Json] = {}
    for name in STEPS:
        if name == until:
            break
        done[name] = production.call(name, **inputs(name, done))
    return done


def with_life(production: Production, life: Life) -> Production:
    """The same production seen by a process that dies."""
    seen, scene = copy.copy(production), copy.copy(production.scene)
    for port in ("objects", "ledger", "metrics"):
        setattr(scene, port, Mortal(getattr(scene, port), life))
    seen.scene = scene
    return seen


def killed_anywhere(
    production: Production, name: str, given: Json, *, before: bool
) -> Iterator[tuple[Production, Json]]:
    """What stands, and the retry's answer, after the step was killed at its first call of a port, its second, …"""
    calls = 0
    while True:
        tried = copy.deepcopy(production)
        try:
            with_life(tried, Life(calls, before)).call(name, **given)
        except Killed:
            yield tried, tried.call(name, **given)
        else:
            return
        calls += 1


def told(scene: Scene) -> list[tuple[Any, ...]]:
    """Everything of the ledger but its hashes."""
    return [(row.kind, row.subject, row.data, row.at, row.actor) for row in scene.ledger.rows]


def files(scene: Scene) -> dict[str, bytes]:
    return {info.uri: scene.objects.read(info.uri) for info in scene.objects.list("s3://captures/")}


def metrics(scene: Scene) -> set[Any]:
    """A retry may say the same again, which no alarm minds."""
    return {(metric, value, *sorted(dimensions.items())) for metric, value, dimensions in scene.metrics.points}


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("name", STEPS)
def test_a_step_killed_at_any_call_has_the_same_window_and_the_same_figures(name: str, before: bool) -> None:
    production = watched()
    given = inputs(name, steps(production, name))
    undisturbed = copy.deepcopy(production)
    answer, deaths = undisturbed.call(name, **given), 0
    for tried, again in killed_anywhere(production, name, given, before=before):
        deaths += 1
        assert again == answer, deaths
        assert told(tried.scene) == told(undisturbed.scene), deaths
        assert files(tried.scene) == files(undisturbed.scene), deaths
        assert metrics(tried.scene) == metrics(undisturbed.scene), deaths
        assert tried.scene.ledger.states == undisturbed.scene.ledger.states, deaths
    assert deaths >= 4, "a step makes more calls than that"


def test_a_run_that_is_redriven_after_the_next_one_has_begun_counts_nothing_twice() -> None:
    """The redriven run's steps come again with their own time, after those of the next day."""
    production = watched()
    first = steps(production)
    today = production.scene.now
    production.scene.later(days=1)
    rows = {name: values[:ROWS] for name, values in population(13, first=2 * ROWS).items()}
    production.traffic(rows, count=ROWS)
    steps(production)
    before = told(production.scene)
    production.scene.now = today
    again = steps(production)
    assert told(production.scene) == before
    published = again.pop("publish_metrics"), first.pop("publish_metrics")
    assert again == first
    assert published[0]["metrics"] < published[1]["metrics"], "performance of a day that is over rings no more"
