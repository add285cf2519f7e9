"""In how many windows a planted break is found, although the season moves the same columns; and how many are invented.

    python -m benchmarks.monitoring.planted_breaks

Each window of the flights (and every fourth of the traffic) is spoilt in one way and held against the training rows
and the window before it, as the deployed function does.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from models.flights import data as flights
from models.traffic import data as traffic
from trimtab.data.coerce import ARROW_TYPES
from trimtab.data.profile import Profile, profile_table
from trimtab.monitoring.drift.breaks import find_breaks
from trimtab.spec import Spec, load_spec_file

MODELS = Path(__file__).resolve().parents[2] / "models"
Spoil = Callable[[pd.DataFrame], pd.DataFrame]
Plant = tuple[str, tuple[str, ...], Spoil]


def changed(name: str, convert: Callable[[pd.Series], pd.Series]) -> Spoil:
    """One column is converted."""
    return lambda rows: rows.assign(**{name: convert(rows[name])})


def swapped(one: str, other: str) -> Spoil:
    """Two columns hold each other's values."""
    return lambda rows: rows.assign(**{one: rows[other], other: rows[one]})


def _celsius(values: pd.Series) -> pd.Series:
    return ((values - 32) / 1.8).round(1)


def _minutes(values: pd.Series) -> pd.Series:
    return values // 100 * 60 + values % 100


FLIGHTS: tuple[Plant, ...] = (
    ("temperature °F as °C", ("wx_temp",), changed("wx_temp", _celsius)),
    ("dew point °F as °C", ("wx_dewp",), changed("wx_dewp", _celsius)),
    ("temperature °F as K", ("wx_temp",), changed("wx_temp", lambda it: _celsius(it) + 273.15)),
    ("departure HHMM as minutes", ("sched_dep_time",), changed("sched_dep_time", _minutes)),
    ("arrival HHMM as minutes", ("sched_arr_time",), changed("sched_arr_time", _minutes)),
    ("miles as km", ("distance",), changed("distance", lambda it: (it * 1.609344).round())),
    ("a thousandfold", ("distance",), changed("distance", lambda it: it * 1000)),
    ("mph as m/s", ("wx_wind_speed",), changed("wx_wind_speed", lambda it: (it * 0.44704).round(1))),
    ("mph as km/h", ("wx_wind_speed",), changed("wx_wind_speed", lambda it: (it * 1.609344).round(1))),
    ("millibar as inHg", ("wx_pressure",), changed("wx_pressure", lambda it: (it * 0.02953).round(2))),
    ("inches of rain as mm", ("wx_precip",), changed("wx_precip", lambda it: (it * 25.4).round(1))),
    ("% as shares", ("wx_humid",), changed("wx_humid", lambda it: (it / 100).round(3))),
    ("carrier in lower case", ("carrier",), changed("carrier", lambda it: it.str.lower())),
    ("origin gone", ("origin",), changed("origin", lambda it: it.where(it.isna()))),
    ("temperature stuck", ("wx_temp",), changed("wx_temp", lambda it: it * 0 + 51.0)),
    (
        "humidity in a third of the rows",
        ("wx_humid",),
        changed("wx_humid", lambda it: it.where(np.arange(len(it)) % 3 == 0)),
    ),
    ("temperature for pressure", ("wx_temp", "wx_pressure"), swapped("wx_temp", "wx_pressure")),
    ("origin for destination", ("origin", "dest"), swapped("origin", "dest")),
    ("temperature for dew point", ("wx_temp", "wx_dewp"), swapped("wx_temp", "wx_dewp")),
)
TRAFFIC: tuple[Plant, ...] = (
    ("temperature K as °C", ("temp",), changed("temp", lambda it: it - 273.15)),
    ("temperature K as °F", ("temp",), changed("temp", lambda it: it * 1.8 - 459.67)),
    ("% as shares", ("clouds_all",), changed("clouds_all", lambda it: it / 100)),
    ("rain tenfold", ("rain_1h",), changed("rain_1h", lambda it: it * 10)),
    ("weather in lower case", ("weather_main",), changed("weather_main", lambda it: it.str.lower())),
    ("temperature stuck", ("temp",), changed("temp", lambda it: it * 0 + 280.0)),
    ("clouds gone", ("clouds_all",), changed("clouds_all", lambda it: it.where(it.isna()))),
)


def profile(rows: pd.DataFrame, spec: Spec) -> Profile:
    """Of the monitored columns; a spoilt integer may be a fraction, as a request may hold one."""
    columns = {name: spec.data.columns[name] for name in spec.monitored}
    types = {name: ARROW_TYPES[column.type] for name, column in columns.items()}
    wide = {name: pa.float64() if type == pa.int64() else type for name, type in types.items()}
    return profile_table(
        pa.table({name: pa.array(rows[name], type, from_pandas=True) for name, type in wide.items()}), columns
    )


def _sets() -> Iterator[tuple[str, pd.DataFrame, list[pd.DataFrame], tuple[Plant, ...], int]]:
    flown = flights.flights()
    trained = flown["month"].isin(flights.TRAIN_MONTHS)
    months = [part for _, part in flown[~trained].groupby("month")]
    yield "flights", flown[trained], months, FLIGHTS, 1
    hours = traffic.hours()
    first = hours[traffic.EVENT_TIME] < pd.Timestamp(traffic.FIRST_DROP)
    later = [part for _, part in hours[~first].groupby(hours[traffic.EVENT_TIME].dt.strftime("%Y-%m"))]
    yield "traffic", hours[first], later, TRAFFIC, 4


def main() -> None:
    """One line for each kind of break."""
    for name, trained, windows, plants, step in _sets():
        spec = load_spec_file(MODELS / name / "model.yaml")
        watch = spec.monitoring.model_copy(update={"columns": spec.data.features})
        spec = spec.model_copy(update={"monitoring": watch})
        reference, profiles = profile(trained, spec), [profile(rows, spec) for rows in windows]
        befores = [None, *profiles[:-1]]
        invented = [
            found
            for now, was in zip(profiles, befores, strict=True)
            if (found := find_breaks(now, reference, was, spec))
        ]
        print(f"{name}: breaks in {len(invented)} of {len(windows)} windows as they are")
        for what, columns, spoil in plants:
            places = range(1, len(windows), step)
            seen = [find_breaks(profile(spoil(windows[at]), spec), reference, befores[at], spec) for at in places]
            hits = sum(any(set(each.columns) == set(columns) for each in breaks) for breaks in seen)
            print(f"  {what:<34} {hits:>2} of {len(places)}", flush=True)


if __name__ == "__main__":
    main()
