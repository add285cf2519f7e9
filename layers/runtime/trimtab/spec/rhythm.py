"""How much time lies between two firings of an EventBridge schedule."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

_RATE: Final = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)s?\)")
_HOURS: Final = {"minute": 1 / 60, "hour": 1.0, "day": 24.0}
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LOOKED_AT: Final = 3 * 366
"""Days from a first of January on, so that a day a year is found more than once."""
_ONCE_A_MONTH: Final = {15}
"""In place of the last day, of the nearest weekday and of the second Tuesday: gaps of a month all the same."""


def rate_hours(schedule: str) -> float | None:
    """The period of a ``rate``; None for a ``cron``."""
    found = _RATE.fullmatch(schedule)
    return int(found[1]) * _HOURS[found[2]] if found else None


def longest_gap_hours(schedule: str) -> float:
    """The longest time between two firings, of a ``cron`` in whole hours; the year of a ``cron`` is not looked at."""
    rate = rate_hours(schedule)
    if rate is not None:
        return rate
    fields = schedule.removeprefix("cron(").removesuffix(")").split()
    try:
        days, hours = _days(fields), _numbers(fields[1], 0, 23)
    except (ValueError, IndexError):  # EventBridge says at deployment what is wrong with it
        return 24.0
    apart = max((after - before for before, after in pairwise(days)), default=366)
    return 24.0 * apart if apart > 1 else _between_hours(hours)


def _days(fields: list[str]) -> list[int]:
    """Numbers of the days on which it fires."""
    in_month, in_week = fields[2], fields[4]
    months = _numbers(fields[3], 1, 12, _MONTHS)
    monthly = any(letter in in_month for letter in "LW") or any(letter in in_week for letter in "L#")
    numbers = _ONCE_A_MONTH if monthly else _numbers(in_month, 1, 31)
    weekdays = _numbers("*" if monthly else in_week, 1, 7, _WEEKDAYS)
    every = (date(2024, 1, 1) + timedelta(days=day) for day in range(_LOOKED_AT))
    return [
        day
        for day, each in enumerate(every)
        if each.month in months and each.day in numbers and each.isoweekday() % 7 + 1 in weekdays
    ]


def _between_hours(hours: set[int]) -> float:
    firing = sorted(hours)
    return float(max(after - before for before, after in pairwise([*firing, firing[0] + 24])))


def _numbers(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
    """What a field of a cron expression stands for."""
    for number, name in enumerate(names, 1):
        field = field.upper().replace(name, str(number))
    return {number for part in field.split(",") for number in _of_part(part, low, high)}


def _of_part(part: str, low: int, high: int) -> Iterable[int]:
    """A span may go over the end: from ten at night to two, from Friday to Monday."""
    span, _, step = part.partition("/")
    first, _, last = span.partition("-")
    if span in ("*", "?"):
        return range(low, high + 1, int(step or 1))
    end, whole = int(last) if last else high if step else int(first), high - low + 1
    beyond = end + whole if end < int(first) else end
    return (low + (number - low) % whole for number in range(int(first), beyond + 1, int(step or 1)))
