"""Parts of dates and clocks, against Python's own calendar."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.features.declared import learn
from trimtab.features.times import PERIODS

PARTS = ["year", "quarter", "month", "day", "day_of_year", "weekday", "hour", "minute", "minute_of_day"]
ZONES = ["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin"]
moments = st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 31))


def column(*times: datetime | None) -> Any:
    return np.array([None if time is None else time.replace(tzinfo=None) for time in times], dtype="datetime64[us]")


def by_python(time: datetime, zone: str) -> list[int]:
    local = time.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    day = local.timetuple()
    minute = local.hour * 60 + local.minute
    quarter = (local.month - 1) // 3 + 1
    return [local.year, quarter, local.month, local.day, day.tm_yday, day.tm_wday, local.hour, local.minute, minute]


@given(st.lists(moments, min_size=1, max_size=8), st.sampled_from(ZONES))
def test_parts_are_those_of_the_zone_s_calendar(times: list[datetime], zone: str) -> None:
    _, made = learn({"t": column(*times)}, {"do": "date_parts", "parts": PARTS, "zone": zone})
    assert made.to_numpy().tolist() == [by_python(time, zone) for time in times]
    assert list(made.columns) == [f"t_{each}" for each in PARTS]


@pytest.mark.parametrize("day", [datetime(2026, 3, 8), datetime(2026, 11, 1)])
def test_the_hour_that_is_skipped_or_comes_twice_is_the_clock_s(day: datetime) -> None:
    times = [day + timedelta(minutes=15 * step) for step in range(96)]
    _, made = learn({"t": column(*times)}, {"do": "date_parts", "parts": ["hour"], "zone": "America/New_York"})
    assert made["t_hour"].tolist() == [by_python(time, "America/New_York")[6] for time in times]


@given(moments, st.sampled_from(sorted(PERIODS)))
def test_a_cycle_is_the_circle_of_its_part(time: datetime, part: str) -> None:
    fitted, made = learn({"t": column(time)}, {"do": "cyclic", "parts": [part]})
    first, period = PERIODS[part]
    (value,) = learn({"t": column(time)}, {"do": "date_parts", "parts": [part]})[1].iloc[0]
    angle = 2 * math.pi * (value - first) / period
    assert made.iloc[0].tolist() == pytest.approx([math.sin(angle), math.cos(angle)])
    assert fitted.names == [f"t_{part}_sin", f"t_{part}_cos"]


def test_december_is_next_to_january() -> None:
    _, made = learn(
        {"t": column(datetime(2026, 12, 5), datetime(2027, 1, 5), datetime(2026, 6, 5))},
        {"do": "cyclic", "parts": ["month"]},
    )
    december, january, june = made.to_numpy()
    assert np.linalg.norm(december - january) < 0.6 < 1.9 < np.linalg.norm(december - june)


def test_where_there_is_no_time_there_is_no_part() -> None:
    for do in ("date_parts", "cyclic"):
        _, made = learn({"t": column(datetime(2026, 1, 1), None)}, {"do": do, "parts": ["hour", "month"]})
        assert made.iloc[1].isna().all()
        assert not made.iloc[0].isna().any()
