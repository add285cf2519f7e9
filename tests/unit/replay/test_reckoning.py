"""What the alarms of a replay are said to have been worth."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from demo.scene import Scene
from replay.cloud_time import CloudTime
from replay.player import Look
from replay.reckoning import Ringing, Training, count, fallen, retrained
from trimtab.ports import Entry

AT = datetime(2027, 4, 1, tzinfo=UTC)
MARCH, APRIL = date(2013, 3, 31), date(2013, 4, 30)
ASKED = {"w3": MARCH, "w4": APRIL}


def entry(seq: int, kind: str, subject: str, **data: Any) -> Entry:
    return Entry("flights", seq, kind, subject, data, AT, "test", "", "")


def look(day: date, *ringing: str, measured: tuple[str, ...] = (), judged: tuple[str, ...] = ()) -> Look:
    return Look(day, measured, judged, frozenset(ringing))


def test_a_window_has_fallen_by_its_last_measurement() -> None:
    entries = [
        entry(1, "quality.measured", "w3", drop=0.09),
        entry(2, "quality.measured", "w3", drop=0.01),
        entry(3, "quality.measured", "w4", drop=0.07),
        entry(4, "quality.measured", "w5", drop=None),
    ]
    assert fallen(entries, 0.04) == {"w4": 0.07}


def test_an_alarm_at_a_fallen_window_is_found_with_its_delay() -> None:
    looks = [
        look(date(2013, 4, 1), measured=("w3",)),
        look(date(2013, 5, 1), measured=("w4",)),
        look(date(2013, 5, 16), "quality", judged=("w3",)),
    ]
    assert count("quality", looks, {"w3": 0.07}, ASKED) == Ringing("quality", 1, 1, ("w3",), 0, (46,), (1,))


def test_an_alarm_where_nothing_had_fallen_is_false() -> None:
    looks = [look(date(2013, 4, 1), "drift", measured=("w3",)), look(date(2013, 5, 1), "drift", measured=("w4",))]
    found = count("drift", looks, {"w4": 0.07}, ASKED)
    assert (found.rang, found.found, found.false) == (2, ("w4",), 1)


def test_an_alarm_that_rings_on_from_an_earlier_window_is_not_counted_again() -> None:
    looks = [look(date(2013, 4, 16), "drift", judged=("w3",)), look(date(2013, 5, 1), "quality", measured=("w4",))]
    assert count("drift", looks, {}, ASKED).looks == 1
    assert count("quality", looks, {}, ASKED).rang == 0


def test_retrains_are_counted_by_what_became_of_them() -> None:
    entries = [
        entry(1, "promotion.closed", "1", version=1, outcome="Serving"),
        entry(2, "retrain.requested", "ask-1", reason="drift"),
        entry(3, "candidate.judged", "a", gates=[{"name": "champion", "message": "no better"}]),
        entry(3, "training.released", "a", outcome="Refused"),
        entry(4, "retrain.requested", "ask-2", reason="quality"),
        entry(5, "training.released", "b", outcome="Registered"),
        entry(6, "promotion.closed", "2", version=2, outcome="Serving"),
        entry(7, "retrain.suppressed", "c"),
    ]
    found = retrained(entries, CloudTime(Scene("flights", Path()), 14))
    assert found.trainings[0] == Training(date(2013, 4, 1), "drift", "Refused", "no better")
    assert [each.outcome for each in found.trainings] == ["Refused", "Registered"]
    assert (found.refused, found.promoted, found.suppressed) == (1, (2,), 1)
