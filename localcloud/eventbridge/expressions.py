"""Schedule expressions: rate(...), cron(...) and at(...), as EventBridge rules and Scheduler schedules write them.

Source: "Schedule types in EventBridge Scheduler". A local time that daylight saving skips does not fire, and one
that it repeats fires once.
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_UNITS: Final = {"minute": 60, "hour": 3600, "day": 86400}
_WEEKDAYS: Final = {
    name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)
}
_MONTH_NAMES: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_LAST_YEAR: Final = 2199
_ANY: Final = ("*", "?")
_LONG_MONTH: Final = date(2024, 1, 31)


class InvalidExpression(ValueError):
    """Raised when a schedule expression or its time zone is not one that EventBridge accepts; Scheduler's message."""


@dataclass(frozen=True)
class Rate:
    """Every `seconds`, counted from the moment the schedule began."""

    seconds: int

    def next_after(self, moment: float, began: float) -> float | None:
        """The first time after `moment` that is a whole number of periods after `began`."""
        return began + (int((moment - began) // self.seconds) + 1) * self.seconds


@dataclass(frozen=True)
class At:
    """Once."""

    epoch: float

    def next_after(self, moment: float, began: float) -> float | None:
        """The time itself while it lies ahead."""
        return self.epoch if self.epoch > moment else None


@dataclass(frozen=True)
class Cron:
    """On the minutes, hours, days and years that six fields describe, in a time zone."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    day_of_month: str
    months: frozenset[int]
    day_of_week: str
    years: frozenset[int]
    zone: ZoneInfo

    def next_after(self, moment: float, began: float) -> float | None:
        """The first matching minute after `moment`, None when there is none before the year 2200."""
        first = datetime.fromtimestamp(moment, self.zone).date()
        candidates = (epoch for day in self._days_from(first) for epoch in self._times_on(day))
        return next((epoch for epoch in candidates if epoch > moment), None)

    def _days_from(self, day: date) -> Iterator[date]:
        while day.year <= _LAST_YEAR:
            if day.year not in self.years:
                day = date(day.year + 1, 1, 1)
                continue
            if day.month in self.months and self.is_on(day):
                yield day
            day += timedelta(days=1)

    def is_on(self, day: date) -> bool:
        """Whether the two fields for days let `day` in; months and years are not looked at. Raises ValueError."""
        if self.day_of_week not in _ANY:
            return _is_on_weekday(day, self.day_of_week)
        return self.day_of_month in _ANY or _is_on_day_of_month(day, self.day_of_month)

    def _times_on(self, day: date) -> Iterator[float]:
        for hour in self.hours:
            for minute in self.minutes:
                local = datetime.combine(day, time(hour, minute), self.zone)
                if _exists(local):
                    yield local.timestamp()


Expression = Rate | At | Cron


def parse(text: str, time_zone: str | None = None) -> Expression:
    """The schedule that `text` describes in `time_zone` (UTC when none is given). Raises InvalidExpression."""
    zone = _zone(time_zone or "UTC")
    found = re.fullmatch(r"(rate|cron|at)\((.+)\)", text)
    try:
        match found and found.groups():
            case ("rate", body):
                return _rate(body)
            case ("cron", body):
                return _cron(body.upper().split(), zone)
            case ("at", body):
                return At(datetime.strptime(body, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone).timestamp())
    except (ValueError, KeyError) as error:
        raise InvalidExpression(f"Invalid Schedule Expression {text}.") from error
    raise InvalidExpression(f"Invalid Schedule Expression {text}.")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidExpression(f"Invalid Schedule Expression Timezone {name}.") from error


def _rate(body: str) -> Rate:
    found = re.fullmatch(r"(?:(1) (minute|hour|day)|(?!1 )([1-9]\d*) (minute|hour|day)s)", body)
    if found is None:
        raise ValueError(body)
    return Rate(int(found[1] or found[3]) * _UNITS[found[2] or found[4]])


def _cron(fields: list[str], zone: ZoneInfo) -> Cron:
    minutes, hours, day_of_month, months, day_of_week, years = fields
    if (day_of_month == "?") == (day_of_week == "?"):
        raise ValueError("exactly one of day-of-month and day-of-week is ?")
    cron = Cron(
        minutes=tuple(sorted(_numbers(minutes, 0, 59))),
        hours=tuple(sorted(_numbers(hours, 0, 23))),
        day_of_month=day_of_month,
        months=frozenset(_numbers(months, 1, 12, _MONTHS)),
        day_of_week=day_of_week,
        years=frozenset(_numbers(years, 1970, _LAST_YEAR)),
        zone=zone,
    )
    cron.is_on(_LONG_MONTH)  # any date shows whether the two fields for days can be read
    return cron


def _numbers(field: str, lowest: int, highest: int, names: dict[str, int] | None = None) -> set[int]:
    return {number for part in field.split(",") for number in _numbers_of_part(part, lowest, highest, names or {})}


def _numbers_of_part(part: str, lowest: int, highest: int, names: dict[str, int]) -> range:
    span, slash, step = part.partition("/")
    first, dash, last = span.partition("-")
    if span == "*":
        start, end = lowest, highest
    else:
        start = _number(first, names)
        end = _number(last, names) if dash else highest if slash else start
    if not lowest <= start <= end <= highest:
        raise ValueError(part)
    return range(start, end + 1, int(step) if slash else 1)


def _number(text: str, names: dict[str, int]) -> int:
    return names[text] if text in names else int(text)


def _is_on_weekday(day: date, field: str) -> bool:
    weekdays, hash_, occurrence = ("SAT" if field == "L" else field).partition("#")
    number = (day.day - 1) // 7 + 1
    numbers = _numbers(occurrence, 1, 5) if hash_ else {number}
    is_named = day.isoweekday() % 7 + 1 in _numbers(weekdays.removesuffix("L"), 1, 7, _WEEKDAYS)
    is_late = not weekdays.endswith("L") or day.day > _days_in_month(day) - 7
    return is_named and is_late and number in numbers


def _is_on_day_of_month(day: date, field: str) -> bool:
    last = _days_in_month(day)
    if field == "L":
        return day.day == last
    if field.endswith("W"):
        wanted = last if field == "LW" else min(*_numbers(field[:-1], 1, 31), last)
        return day == _nearest_weekday(day.replace(day=wanted))
    return day.day in _numbers(field, 1, 31)


def _nearest_weekday(day: date) -> date:
    """Monday to Friday closest to `day` in the same month."""
    if day.isoweekday() <= 5:
        return day
    shifts = (-1, 2) if day.isoweekday() == 6 else (1, -2)
    return next(moved for shift in shifts if (moved := day + timedelta(days=shift)).month == day.month)


def _days_in_month(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _exists(local: datetime) -> bool:
    return local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None)
