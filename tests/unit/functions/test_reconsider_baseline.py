"""A person says that the world is from now on as a window shows it; no machine does."""

from typing import Any

import numpy as np
import pytest

from tests.unit.functions.scene import function
from tests.unit.monitoring.production import ROWS, Production, population
from trimtab.monitoring.reconsidered import answered
from trimtab.telemetry import Metric

WHY = "the new terminal stays"


def day(production: Production, seed: int, low: float = 0.5) -> dict[str, Any]:
    """Traffic that has moved is measured, and published; the drift."""
    production.scene.later(days=1)
    production.traffic(population(seed, low=low, first=seed * ROWS))
    return dict(production.run()["drift"])


def say(production: Production, window: str, reason: str = WHY, execution: str = "word-1") -> dict[str, Any]:
    module = function("reconsider_baseline")
    word = {"window": window, "by": "ann", "reason": reason}
    event = module.handler._model.model_validate(production.scene.event(execution, **word))
    return dict(module.handler.call(event, production.scene.runtime))


def said(production: Production, execution: str) -> str:
    """What comes of a word for the newest window."""
    return str(say(production, newest(production), execution=execution)["summary"])


def newest(production: Production) -> str:
    return production.scene.ledger.entries("window.measured")[-1].subject


def test_windows_are_held_against_the_one_that_a_person_named_and_drift_clears(production: Production) -> None:
    before = day(production, 11)
    window = newest(production)
    assert before["max_psi"] > 1
    said = say(production, window)
    assert (said["outcome"], said["version"], said["window"]) == ("Reconsidered", 1, window)
    after = day(production, 12)
    assert (after["max_psi"], after["prediction_psi"], after["drifted"]) == (0, 0, [])
    assert after["reference"] == f"window {window}, as ann has said"
    assert production.points(Metric.PSI_MAX)[-1] == 0
    assert day(production, 13, low=0.0)["max_psi"] > 1, "what it was trained on has moved away from that window"


@pytest.mark.parametrize(("datapoints", "periods"), [(1, 1), (2, 3)])
def test_alarms_that_count_readings_count_none_from_before_the_word(
    production: Production, datapoints: int, periods: int
) -> None:
    scene = production.scene
    watch = scene.spec.monitoring.model_copy(update={"datapoints": datapoints, "periods": periods})
    scene.spec = scene.spec.model_copy(update={"monitoring": watch})
    for seed in (11, 12, 13):
        day(production, seed)
    assert production.points(Metric.PSI_MAX)[-1] > 1
    say(production, newest(production))
    for seed in (14, 15):
        day(production, seed)
        assert [production.points(metric)[-1] for metric in (Metric.PSI_MAX, Metric.PSI_PREDICTION)] == [0, 0]
    for seed in (16, 17):
        day(production, seed, low=0.0)
    assert production.points(Metric.PSI_MAX)[-1] > 1, "readings since the word ring as ever"


def test_the_word_is_told_and_kept_with_name_and_reason_once(production: Production) -> None:
    day(production, 11)
    told = len(production.scene.notifier.sent)
    first = say(production, newest(production))
    assert say(production, newest(production)) == first
    (entry,) = production.scene.ledger.entries("baseline.reconsidered")
    assert (entry.data["by"], entry.data["reason"], entry.data["rows"]) == ("ann", WHY, ROWS)
    assert len(production.scene.notifier.sent) == told + 1


def test_whoever_asked_reads_from_the_ledger_what_came_of_it(production: Production) -> None:
    day(production, 11)
    ledger = production.scene.ledger
    assert answered(ledger, "word-1") is None
    said = say(production, newest(production)), say(production, "20990101T000000Z", execution="word-2")
    assert [each["outcome"] for each in said] == ["Reconsidered", "Refused"]
    assert (answered(ledger, "word-1"), answered(ledger, "word-2")) == said


def test_a_refusal_is_kept_once_with_whose_word_it_was_and_stays_one(production: Production) -> None:
    refused = say(production, "20990101T000000Z")
    day(production, 11)
    assert say(production, newest(production)) == refused
    (entry,) = production.scene.ledger.entries("baseline.refused")
    assert (entry.subject, entry.data["by"], entry.data["reason"]) == ("word-1", "ann", WHY)


def test_the_training_rows_hold_again_when_a_person_says_so(production: Production) -> None:
    day(production, 11)
    say(production, newest(production))
    say(production, "training", execution="word-2")
    again = day(production, 12)
    assert again["max_psi"] > 1
    assert again["reference"] == "training"


def test_a_word_is_about_one_version_and_its_successor_has_a_baseline_of_its_own(production: Production) -> None:
    day(production, 11)
    say(production, newest(production))
    production.serve(2)
    production.scene.later(days=1)
    production.traffic(population(14, low=0.5, first=14 * ROWS), version=2)
    assert production.run()["drift"]["reference"] == "training"


def test_the_profiles_are_kept_where_captured_traffic_does_not_take_them_along(production: Production) -> None:
    day(production, 11)
    window = newest(production)
    say(production, window)
    for name in ("profile.json", "scores_profile.json"):
        production.scene.objects.delete(f"s3://captures/tiny/windows/{window}/{name}")
    assert day(production, 12, low=0.5)["max_psi"] == 0


def test_what_was_measured_against_the_other_baseline_is_no_change_over_time(production: Production) -> None:
    for seed in range(11, 14):
        day(production, seed)
        production.call("measure_change")
    measured = [look["measure"] for look in newest_looks(production)]
    assert "scores" in measured
    say(production, newest(production))
    production.scene.later(hours=1)
    production.call("measure_change")
    assert len(production.scene.ledger.entries("change.measured")) == 3, "of drift there is nothing yet to look at"


def newest_looks(production: Production) -> list[dict[str, Any]]:
    return list(production.scene.ledger.entries("change.measured")[-1].data["looks"])


def broken(rows: dict[str, Any]) -> dict[str, Any]:
    return rows | {"x": np.asarray(rows["x"]) * 1000}


@pytest.mark.parametrize(
    ("window", "reason", "why"),
    [
        ("20990101T000000Z", WHY, "no window '20990101T000000Z' was measured"),
        ("", WHY, "no window '' was measured"),
        (None, "  ", "say why"),
    ],
)
def test_what_is_no_baseline_is_refused_and_nothing_is_written(
    production: Production, window: str | None, reason: str, why: str
) -> None:
    day(production, 11)
    answer = say(production, newest(production) if window is None else window, reason)
    assert answer["outcome"] == "Refused"
    assert why in answer["summary"]
    assert production.scene.ledger.entries("baseline.reconsidered") == []


def test_a_window_that_is_thin_broken_of_another_version_or_gone_is_refused(production: Production) -> None:
    production.scene.later(days=1)
    production.traffic(population(11, first=11 * ROWS), count=20)
    production.run()
    assert "was not judged" in said(production, "word-1")
    production.scene.later(days=1)
    production.traffic(broken(population(12, first=12 * ROWS)))
    production.run()
    assert "what is broken is no baseline" in said(production, "word-2")
    day(production, 13)
    window = newest(production)
    production.scene.objects.delete(f"s3://captures/tiny/windows/{window}/profile.json")
    assert "choose a newer one" in said(production, "word-3")
    production.serve(2)
    assert f"version 1 answered window {window}, and version 2 serves" in said(production, "word-4")


def test_without_a_serving_version_there_is_nothing_to_reconsider() -> None:
    assert "no version serves" in say(Production(), "training")["summary"]
