"""Windows follow each other without gap or overlap, and which of them a moment belongs to."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON
from trimtab.monitoring.windows import MOMENT, Calendar, Span, watermark
from trimtab.spec.windows import WindowsSpec

DAY = timedelta(days=1)


def test_a_run_by_schedule_ends_a_whole_period() -> None:
    calendar = Calendar(NOON, DAY, NOON - DAY)
    assert calendar.window(NOON) == Span(NOON - DAY, NOON)
    assert calendar.window(NOON - DAY + MOMENT) == Span(NOON - DAY, NOON)


def test_an_outage_leaves_one_window_for_every_period() -> None:
    calendar = Calendar(NOON, DAY, NOON - 3 * DAY)
    ends = [calendar.window(NOON - back).end for back in (timedelta(hours=60), timedelta(hours=36), DAY, MOMENT)]
    assert ends == [NOON - 2 * DAY, NOON - DAY, NOON - DAY, NOON]


def test_a_run_between_two_of_the_schedule_ends_a_shorter_window() -> None:
    early = NOON + timedelta(hours=5)
    assert Calendar(early, DAY, NOON).window(early) == Span(NOON, early)
    assert Calendar(NOON + DAY, DAY, early).window(NOON + DAY) == Span(early, NOON + DAY)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0.25, 200))
def test_every_moment_lies_in_one_window_that_neighbours_the_next(after_s: int, more_s: int, hours: float) -> None:
    through = NOON
    moment = through + timedelta(seconds=after_s) + MOMENT
    calendar = Calendar(moment + timedelta(seconds=more_s), timedelta(hours=hours), through)
    found = calendar.window(moment)
    assert found.start < moment <= found.end
    assert through <= found.start
    assert found.end <= calendar.at
    assert found.end - found.start <= calendar.period
    if found.start > through:
        assert calendar.window(found.start).end == found.start


def test_what_lies_before_the_watermark_belongs_to_a_closed_window() -> None:
    calendar = Calendar(NOON + DAY, DAY, NOON)
    assert calendar.is_closed(NOON)
    assert not calendar.is_closed(NOON + MOMENT)
    assert calendar.window(NOON - timedelta(hours=30)) == Span(NOON - 2 * DAY, NOON - DAY)


@pytest.mark.parametrize(
    ("schedule", "hours", "expected"),
    [
        ("rate(1 day)", None, 24),
        ("rate(6 hours)", None, 6),
        ("rate(30 minutes)", None, 0.5),
        ("cron(0 6 * * ? *)", None, 24),
        ("rate(7 days)", 24, 24),
    ],
)
def test_a_window_is_as_long_as_the_schedules_period(schedule: str, hours: float | None, expected: float) -> None:
    assert WindowsSpec(hours=hours).period_hours(schedule) == expected


def test_a_state_from_before_windows_had_ends_is_understood() -> None:
    assert watermark(None) is None
    assert watermark({"hour": "2026/01/01/12", "windows": {}}) == NOON
    assert watermark({"through": (NOON + DAY).isoformat()}) == NOON + DAY
