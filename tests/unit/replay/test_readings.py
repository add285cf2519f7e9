"""What a replay waits for before it goes on to the next day."""

from datetime import UTC, datetime, timedelta
from typing import Any

from replay.readings import expected
from replay.sets import MODELS
from trimtab.ports import Entry
from trimtab.spec import load_spec_file

SPEC = load_spec_file(MODELS / "flights" / "model.yaml")
NOON = datetime(2027, 4, 1, tzinfo=UTC)


def measured(seq: int, version: int, max_psi: float) -> Entry:
    return entry(seq, "window.measured", f"w{seq}", {"version": version, "max_psi": max_psi})


def judged(seq: int, window: str, reading: float, end: str) -> Entry:
    return entry(seq, "quality.measured", window, {"version": 1, "reading": reading, "period": {"end": end}})


def entry(seq: int, kind: str, subject: str, data: dict[str, Any]) -> Entry:
    filled = {"judged": True, "period": {"end": f"2013-{seq:02d}-01"}} | data
    return Entry("flights", seq, kind, subject, filled, NOON + timedelta(days=seq), "test", "", "")


def test_a_reading_beyond_its_limit_should_ring_and_one_within_should_not() -> None:
    assert expected([measured(3, 1, 0.3)], 0, 1, SPEC) == {"drift": True, "silence": False}
    assert expected([measured(3, 1, 0.2)], 0, 1, SPEC) == {"drift": False, "silence": False}


def test_nothing_is_expected_of_another_versions_window_or_of_an_old_one() -> None:
    assert expected([measured(3, 1, 0.3)], 0, 2, SPEC) == {}
    assert expected([measured(3, 1, 0.3)], 3, 1, SPEC) == {}


def test_performance_rings_by_the_newest_window_only() -> None:
    older, newest = judged(5, "w1", 0.09, "2013-03-31"), judged(6, "w2", 0.01, "2013-04-30")
    assert expected([older, newest], 4, 1, SPEC) == {"quality": False}
    again = judged(7, "w1", 0.12, "2013-03-31")
    assert expected([older, newest, again], 6, 1, SPEC) == {}
