"""The three real sets as happenings: when their rows were asked for, delivered, and known."""

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from models.flights import data as flights
from models.income import data as income
from models.traffic import data as traffic
from replay.happenings import MEASURING_HOUR, Deed, Happening, Replayed, in_order

MODELS = Path(__file__).resolve().parents[1] / "models"
LONGEST_WINDOW_HOURS = 744
SEARCHES = 2
TRUTH_DAY = 15
QUARTERS = (1, 4, 7, 10)


def flights_of_2013(folder: Path, months: int) -> Replayed:
    """March to December; a month's outcomes are known on the 15th of the next."""
    table = flights.flights()
    happenings = []
    for number in flights.DROP_MONTHS[:months]:
        drop, truth = flights.write_month(table, number, folder)
        happenings += _month(2013, number, drop, truth)
    return Replayed(
        "flights",
        "A month's flights are asked for on its last day and dropped on the next, and known on the 15th",
        _watched_twice_a_month,
        ("windows of a month (cron(0 6 1,16 * ? *)), as all of a month's requests come on one day",),
        flights.write_training(table, folder),
        in_order(happenings),
        _labels(table, flights.ID, flights.LABEL),
    )


def income_of_2016_to_2018(folder: Path, deliveries: int) -> Replayed:
    """Four deliveries a year; a year's outcomes are known on 15 September of the next."""
    table = income.people()
    happenings: list[Happening] = []
    for year in income.LATER_YEARS[: -(-deliveries // income.PARTS)]:
        *parts, truth = income.write_year(table, year, folder)
        happenings += _quarters(year, parts[: deliveries - sum(each.deed is Deed.ASK for each in happenings)])
        happenings.append(Happening(date(year + 1, 9, 15), Deed.TRUTH, str(year), truth))
    last = happenings[-1].day
    happenings += [Happening(day, Deed.MEASURE) for day in _quarter_days(income.LATER_YEARS[0], last)]
    return Replayed(
        "income",
        "A delivery is asked for on the last day of its quarter and dropped on the next; a year is known in "
        "September of the next",
        _watched_by_quarter,
        (
            "one window a quarter (cron(0 6 1 1,4,7,10 ? *)), as all of a quarter's requests come on one day",
            "truth joins windows of two years (windows.truth_days: 730, and captures_days as well), as a survey's is "
            "up to 18 months late",
            "the risk that people have accepted (accepted_risks.yaml), without which no version is registered",
        ),
        income.write_training(table, folder),
        in_order(happenings),
        _labels(table, income.ID, income.LABEL),
    )


def traffic_of_2013_to_2018(folder: Path, months: int) -> Replayed:
    """October 2013 to September 2018; volumes are counted by the 15th of the next month, say. Faults are kept."""
    table = traffic.hours()
    whole = traffic.mended(table)
    (folder / "mended").mkdir(exist_ok=True)
    happenings = []
    for name in traffic.months(table)[:months]:
        drop, truth = traffic.write_month(table, name, folder)
        mended, _ = traffic.write_month(whole, name, folder / "mended")
        happenings += _month(int(name[:4]), int(name[5:]), drop, truth, mended)
    silent = [each for each in _month_days(happenings) if each not in happenings]
    return Replayed(
        "traffic",
        "A month's hours are asked for on its last day and dropped on the next, and counted by the 15th, say",
        _searched_less,
        (
            "windows of a month (cron(0 6 1,16 * ? *)), as all of a month's requests come on one day",
            f"a search of {SEARCHES} trials in place of 6",
        ),
        traffic.write_training(table, folder),
        in_order([*happenings, *silent]),
        _labels(table, traffic.ID, traffic.LABEL),
    )


SETS: Mapping[str, tuple[Callable[[Path, int], Replayed], int, int]] = {
    "flights": (flights_of_2013, 10, 3),
    "income": (income_of_2016_to_2018, 12, 4),
    "traffic": (traffic_of_2013_to_2018, 51, 6),
}
"""By the model's name: how it is made, all of its deliveries, and as many as make a short replay."""


def _month(year: int, number: int, drop: Path, truth: Path, mended: Path | None = None) -> list[Happening]:
    """Asked on its last day; dropped on the first of the next month, after it was measured; known on the 15th."""
    name, after = f"{year}-{number:02d}", _next_month(year, number)
    return [
        Happening(date(year, number, monthrange(year, number)[1]), Deed.ASK, name, drop),
        Happening(after, Deed.MEASURE),
        Happening(after, Deed.DROP, name, drop, mended),
        Happening(after.replace(day=TRUTH_DAY), Deed.TRUTH, name, truth),
        Happening(after.replace(day=TRUTH_DAY + 1), Deed.MEASURE),
    ]


def _month_days(happenings: list[Happening]) -> Iterator[Happening]:
    """Both measuring days of every month from the first happening to the last."""
    day, last = min(each.day for each in happenings), max(each.day for each in happenings)
    day = _next_month(day.year, day.month)
    while day <= last:
        yield Happening(day, Deed.MEASURE)
        yield Happening(day.replace(day=TRUTH_DAY + 1), Deed.MEASURE)
        day = _next_month(day.year, day.month)


def _next_month(year: int, number: int) -> date:
    return date(year + number // 12, number % 12 + 1, 1)


def _quarters(year: int, parts: list[Path]) -> Iterator[Happening]:
    for number, drop in enumerate(parts, 1):
        month, name = 3 * number, f"{year}-part{number}"
        yield Happening(date(year, month, monthrange(year, month)[1]), Deed.ASK, name, drop)
        yield Happening(_next_month(year, month), Deed.DROP, name, drop)


def _quarter_days(first: int, last: date) -> Iterator[date]:
    """First days of the quarters from the second of the year ``first`` until one is after ``last``."""
    days = [date(year, month, 1) for year in range(first, last.year + 1) for month in QUARTERS][1:]
    yield from (day for day in days if day <= last)
    yield next(day for day in [*days, date(last.year + 1, 1, 1)] if day > last)


def _watched_twice_a_month(spec: dict[str, Any]) -> None:
    _watched(spec, f"cron(0 {MEASURING_HOUR} 1,{TRUTH_DAY + 1} * ? *)")


def _watched_by_quarter(spec: dict[str, Any]) -> None:
    months = ",".join(map(str, QUARTERS))
    _watched(spec, f"cron(0 {MEASURING_HOUR} 1 {months} ? *)")
    spec["monitoring"]["windows"]["truth_days"] = 730
    risks = yaml.safe_load((MODELS / "income" / "accepted_risks.yaml").read_text())
    spec["evaluation"]["gates"]["bias"]["accepted_risks"].extend(risks)


def _searched_less(spec: dict[str, Any]) -> None:
    _watched_twice_a_month(spec)
    spec["training"]["tuning"]["max_jobs"] = SEARCHES


def _watched(spec: dict[str, Any], schedule: str) -> None:
    """What looks every day would look at days on which nothing was asked."""
    spec["monitoring"] |= {"schedule": schedule, "windows": {"hours": LONGEST_WINDOW_HOURS}}
    spec.setdefault("rollout", {}).setdefault("after", {})["reconcile"] = schedule


def _labels(table: pd.DataFrame, id_column: str, label: str) -> Mapping[int, float]:
    known = table[table[label].notna()]
    return dict(zip(known[id_column].astype(int), known[label].astype(float), strict=True))
