"""The states that data points give an alarm, by the tables of "Configuring how alarms treat missing data"."""

import pytest

from localcloud.cloudwatch.decision import Rule, decide, edges, moments
from localcloud.cloudwatch.metrics import Vector

KEPT = None
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


def vector(points: str) -> Vector:
    """'0' is a good data point, 'X' a breaching one, '-' a missing one; the newest is last."""
    return [{"0": 0.0, "X": 10.0, "-": None}[point] for point in points]


def state(points: str, missing: str, of: int, needed: int) -> str | None:
    return decide(vector(points), Rule("GreaterThanThreshold", 5.0, of, needed, missing)).state


THREE_OF_THREE = [
    ("0-X-X", ("OK", "OK", "OK", "OK")),
    ("0----", ("OK", "OK", "OK", "OK")),
    ("-----", ("INSUFFICIENT_DATA", KEPT, "ALARM", "OK")),
    ("0XX-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("--X--", ("ALARM", KEPT, "ALARM", "OK")),
]
TWO_OF_THREE = [
    ("0-X-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("00X0X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("0-X--", ("OK", "OK", "ALARM", "OK")),
    ("----0", ("OK", "OK", "ALARM", "OK")),
    ("---X-", ("ALARM", KEPT, "ALARM", "OK")),
]


@pytest.mark.parametrize(("points", "states"), THREE_OF_THREE)
def test_three_of_three_points_with_missing_data(points: str, states: tuple[str | None, ...]) -> None:
    assert tuple(state(points, missing, 3, 3) for missing in TREATMENTS) == states


@pytest.mark.parametrize(("points", "states"), TWO_OF_THREE)
def test_two_of_three_points_with_missing_data(points: str, states: tuple[str | None, ...]) -> None:
    assert tuple(state(points, missing, 3, 2) for missing in TREATMENTS) == states


@pytest.mark.parametrize("missing", TREATMENTS)
def test_with_all_data_only_the_newest_periods_count(missing: str) -> None:
    assert state("XX000", missing, 3, 2) == "OK"
    assert state("00XX0", missing, 3, 2) == "ALARM"
    assert state("0000X", missing, 1, 1) == "ALARM"


def test_a_first_breaching_point_does_not_alarm_before_it_is_as_old_as_the_points_to_alarm() -> None:
    assert state("----X", "missing", 3, 2) == "OK"
    assert state("---X-", "missing", 3, 2) == "ALARM"


def test_enough_breaching_points_alarm_although_others_are_missing() -> None:
    assert [state("---XX", missing, 3, 2) for missing in TREATMENTS] == ["ALARM"] * 4


@pytest.mark.parametrize(
    ("comparison", "at_the_threshold"),
    [
        ("GreaterThanThreshold", "OK"),
        ("GreaterThanOrEqualToThreshold", "ALARM"),
        ("LessThanThreshold", "OK"),
        ("LessThanOrEqualToThreshold", "ALARM"),
    ],
)
def test_the_comparison_decides_at_the_threshold(comparison: str, at_the_threshold: str) -> None:
    assert decide([5.0], Rule(comparison, 5.0, 1, 1, "missing")).state == at_the_threshold


def test_minutes_count_when_complete_and_longer_periods_slide_by_minutes() -> None:
    assert edges(1000.0, 60, 5)[-2:] == [900.0, 960.0]
    assert edges(1000.0, 300, 1) == [60.0, 360.0, 660.0, 960.0]
    assert edges(1000.0, 10, 1) == [970.0, 980.0, 990.0, 1000.0]


def test_missing_minutes_are_made_up_for_by_the_last_six_and_longer_periods_by_two_more() -> None:
    assert len(edges(1000.0, 60, 1)) - 1 == 6
    assert len(edges(1000.0, 60, 10)) - 1 == 12
    assert len(edges(10_000.0, 300, 3)) - 1 == 5


def test_a_jump_is_looked_at_until_the_latest_data_have_left_the_window() -> None:
    assert moments(100.0, 1000.0, 60, 1, latest=0.0) == [120.0, 180.0, 240.0, 300.0, 360.0]
    assert moments(100.0, 250.0, 60, 1, latest=1000.0) == [120.0, 180.0, 240.0]
    assert moments(1000.0, 90_000.0, 60, 1, latest=0.0) == []
    assert len(moments(0.0, 30 * 86400.0, 86400, 7, latest=86400.0)) <= 12 * 11
