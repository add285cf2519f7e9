"""When a schedule expression is due."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.eventbridge.expressions import InvalidExpression, parse


def epoch(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def due(expression: str, after: str, zone: str = "UTC") -> str | None:
    moment = parse(expression, zone).next_after(epoch(after), epoch(after))
    return None if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("cron(0 2 * * ? *)", "2024-05-01T01:59:59", "2024-05-01T02:00:00"),
        ("cron(0 2 * * ? *)", "2024-05-01T02:00:00", "2024-05-02T02:00:00"),
        ("cron(*/15 * * * ? *)", "2024-05-01T10:16:00", "2024-05-01T10:30:00"),
        ("cron(0/20 8-10 * * ? *)", "2024-05-01T10:41:00", "2024-05-02T08:00:00"),
        ("cron(0 9 ? * MON-FRI *)", "2024-05-03T10:00:00", "2024-05-06T09:00:00"),
        ("cron(0 9 ? * 1 *)", "2024-05-01T00:00:00", "2024-05-05T09:00:00"),
        ("cron(0 9 ? * 6L *)", "2024-05-01T00:00:00", "2024-05-31T09:00:00"),
        ("cron(0 9 ? * TUE#2 *)", "2024-05-01T00:00:00", "2024-05-14T09:00:00"),
        ("cron(0 0 L * ? *)", "2024-02-01T00:00:00", "2024-02-29T00:00:00"),
        ("cron(0 0 LW * ? *)", "2024-06-01T00:00:00", "2024-06-28T00:00:00"),
        ("cron(0 0 15W * ? *)", "2024-06-01T00:00:00", "2024-06-14T00:00:00"),
        ("cron(0 0 1W * ? *)", "2024-05-31T12:00:00", "2024-06-03T00:00:00"),
        ("cron(0 0 1 JAN ? 2026-2028)", "2024-05-01T00:00:00", "2026-01-01T00:00:00"),
        ("cron(0 0 29 2 ? *)", "2025-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("cron(0 0 1 1 ? 2020)", "2024-05-01T00:00:00", None),
        ("at(2024-05-01T12:00:00)", "2024-05-01T00:00:00", "2024-05-01T12:00:00"),
        ("at(2024-05-01T12:00:00)", "2024-05-01T12:00:00", None),
        ("rate(5 minutes)", "2024-05-01T10:00:00", "2024-05-01T10:05:00"),
        ("rate(1 day)", "2024-05-01T10:00:00", "2024-05-02T10:00:00"),
    ],
)
def test_the_next_time_is_found(expression: str, after: str, expected: str | None) -> None:
    assert due(expression, after) == expected


def test_a_time_zone_shifts_the_hour_with_daylight_saving() -> None:
    assert due("cron(0 8 * * ? *)", "2024-01-10T00:00:00", "America/New_York") == "2024-01-10T13:00:00"
    assert due("cron(0 8 * * ? *)", "2024-07-10T00:00:00", "America/New_York") == "2024-07-10T12:00:00"


def test_a_local_time_that_daylight_saving_skips_does_not_fire() -> None:
    assert due("cron(30 2 * * ? *)", "2024-03-10T00:00:00", "America/New_York") == "2024-03-11T06:30:00"


def test_a_local_time_that_daylight_saving_repeats_fires_once() -> None:
    first = due("cron(30 1 * * ? *)", "2024-11-03T00:00:00", "America/New_York")
    assert first == "2024-11-03T05:30:00"
    assert due("cron(30 1 * * ? *)", first, "America/New_York") == "2024-11-04T06:30:00"


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("every 5 minutes", "UTC"),
        ("rate(0 minutes)", "UTC"),
        ("rate(1 minutes)", "UTC"),
        ("rate(5 minute)", "UTC"),
        ("rate(5 seconds)", "UTC"),
        ("cron(0 2 * * *)", "UTC"),
        ("cron(0 2 * * * *)", "UTC"),
        ("cron(0 2 ? * ? *)", "UTC"),
        ("cron(60 2 * * ? *)", "UTC"),
        ("cron(0 2 32 * ? *)", "UTC"),
        ("cron(0 2 ? * 8 *)", "UTC"),
        ("cron(0 2 ? * MON#6 *)", "UTC"),
        ("cron(5-1 2 * * ? *)", "UTC"),
        ("at(2024-13-01T00:00:00)", "UTC"),
        ("rate(5 minutes)", "Mars/Olympus"),
    ],
)
def test_an_invalid_expression_is_refused(expression: str, zone: str) -> None:
    with pytest.raises(InvalidExpression):
        parse(expression, zone)


@given(st.floats(0, 4e9), st.integers(2, 500))
def test_a_rate_is_due_a_whole_number_of_periods_after_its_start(moment: float, minutes: int) -> None:
    following = parse(f"rate({minutes} minutes)").next_after(moment, 0.0)
    assert following is not None
    assert moment < following <= moment + minutes * 60 + 1e-3
    assert following % (minutes * 60) == 0
