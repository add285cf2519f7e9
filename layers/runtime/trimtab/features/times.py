"""Times as parts of a date and clock, plain or on a circle. Computed with whole numbers, so equal on every machine."""

import math
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from trimtab.features.block import Block, Floats
from trimtab.features.step import Json, Options, Step

Whole = NDArray[np.int64]
_SECOND: Final = 1_000_000
_STEP_S: Final = 900
"""Offsets of time zones are looked up once for each quarter of an hour: since 1970 none has changed in between."""
PERIODS: Final = {
    "month": (1, 12), "day": (1, 31), "day_of_year": (1, 366), "weekday": (0, 7), "hour": (0, 24), "minute": (0, 60),
    "minute_of_day": (0, 1440),
}  # fmt: skip
"""First value and number of values of what comes round again."""


def local_microseconds(times: NDArray[Any], zone: str) -> tuple[Whole, NDArray[np.bool_]]:
    """Microseconds since 1970 on the zone's clock (0 where there is no time), and where there is none."""
    moments = np.asarray(times).astype("datetime64[us]")
    missing = np.isnat(moments)
    whole = np.where(missing, np.datetime64(0, "us"), moments).astype(np.int64)
    if zone == "UTC":
        return whole, missing
    steps, places = np.unique(np.floor_divide(whole, _STEP_S * _SECOND), return_inverse=True)
    offsets = np.array([_offset_s(int(step), zone) for step in steps], dtype=np.int64)
    return whole + offsets[places] * _SECOND, missing


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _offset_s(step: int, zone: str) -> int:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=step * _STEP_S)
    offset = moment.astimezone(_zone(zone)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def part(whole: Whole, name: str) -> Whole:
    """The part of the local time, weekday 0 being Monday."""
    if name in ("hour", "minute", "minute_of_day"):
        minutes = np.floor_divide(whole, 60 * _SECOND) % 1440
        return {"hour": minutes // 60, "minute": minutes % 60, "minute_of_day": minutes}[name]
    days = np.floor_divide(whole, 86_400 * _SECOND)
    if name == "weekday":
        return (days + 3) % 7  # 1970 began on a Thursday
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    return _calendar(days, dates, months, name)


def _calendar(days: Whole, dates: NDArray[Any], months: NDArray[Any], name: str) -> Whole:
    if name == "day":
        return days - months.astype("datetime64[D]").astype(np.int64) + 1
    if name == "day_of_year":
        return days - dates.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 1
    number = months.astype(np.int64)
    return {"year": number // 12 + 1970, "month": number % 12 + 1, "quarter": number % 12 // 3 + 1}[name]


class DateParts(Step):
    """Columns ``name_part``; NaN where there is no time."""

    name = "date_parts"

    def apply(self, block: Block) -> Block:
        made, names = [], []
        for name, times in zip(block.names, block.raw, strict=True):
            whole, missing = local_microseconds(times, self.options["zone"])
            for each in self.options["parts"]:
                made.append(np.where(missing, np.nan, part(whole, each)))
                names.append(f"{name}_{each}")
        return block.with_numbers(np.column_stack(made), names)


class Cyclic(Step):
    """Columns ``name_part_sin`` and ``name_part_cos``; NaN where there is no time.

    Looked up in tables that Python's own sine filled: what NumPy computes may differ in the last bit with the
    processor and with the number of rows.
    """

    name = "cyclic"

    def __init__(self, options: Options, state: Json) -> None:
        super().__init__(options, state)
        self._tables = {each: circle(PERIODS[each][1]) for each in options["parts"]}

    def apply(self, block: Block) -> Block:
        made: list[Floats] = []
        names = []
        for name, times in zip(block.names, block.raw, strict=True):
            whole, missing = local_microseconds(times, self.options["zone"])
            for each, table in self._tables.items():
                around = table[part(whole, each) - PERIODS[each][0]]
                made.append(np.where(missing[:, None], np.nan, around))
                names += [f"{name}_{each}_sin", f"{name}_{each}_cos"]
        return block.with_numbers(np.hstack(made), names)


@cache
def circle(period: int) -> Floats:
    """Sine and cosine of each place on a circle of ``period`` places, shape (period, 2)."""
    angles = [2 * math.pi * place / period for place in range(period)]
    return np.array([(math.sin(angle), math.cos(angle)) for angle in angles])
