"""What a replay waits for before it goes on to the next day."""

from datetime import UTC, datetime
from typing import Any

from replay.readings import expected
from replay.sets import MODELS
from trimtab.ports import Entry
from trimtab.spec import load_spec_file

SPEC = load_spec_file(MODELS / "flights" / "model.yaml")


def measured(version: int, max_psi: float) -> Entry:
    data = {"version": version, "max_psi": max_psi, "prediction_psi": None}
    return entry("window.measured", "w1", data)


def judged(window: str, reading: float, end: str) -> Entry:
    data = {"judged": True, "version": 1, "window": window, "reading": reading, "period": {"end": end}}
    return entry("quality.measured", window, data)


def entry(kind: str, subject: str, data: dict[str, Any]) -> Entry:
    return Entry("flights", 1, kind, subject, data, datetime(2027, 4, 1, tzinfo=UTC), "test", "", "")


def test_a_reading_beyond_its_limit_should_ring_and_one_within_should_not() -> None:
    assert expected([], [measured(1, 0.3)], 1, SPEC) == {"drift": True, "silence": False}
    assert expected([], [measured(1, 0.2)], 1, SPEC) == {"drift": False, "silence": False}


def test_nothing_is_expected_of_another_versions_window() -> None:
    assert expected([], [measured(1, 0.3)], 2, SPEC) == {"silence": False}


def test_performance_rings_by_the_newest_window_only() -> None:
    older, newest = judged("w1", 0.09, "2013-03-31"), judged("w2", 0.01, "2013-04-30")
    assert expected([older, newest], [older, newest], 1, SPEC) == {"quality": False}
    assert expected([newest, older], [older], 1, SPEC) == {}
