"""What somebody's code has broken is told apart from what the world has moved."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tests.unit.data.real_data import DATA_SETS
from trimtab.data.profile import Profile, profile_table
from trimtab.monitoring.drift.breaks import Break, find_breaks
from trimtab.spec import Spec, parse_spec

UNITS = {
    "wx_temp": "°F",
    "sched_dep_time": "local HHMM",
    "distance": "miles",
    "wx_pressure": "millibar",
    "wx_wind_speed": "mph",
    "wx_humid": "%",
    "temp": "K",
    "clouds_all": "%",
}
CATEGORIES = ("carrier", "origin", "dest", "weather_main")
Table = pd.DataFrame
Spoil = Callable[[Table], Table]


def spec_of(table: Table) -> Spec:
    names = [name for name in (*UNITS, *CATEGORIES) if name in table]
    types = {name: "string" if name in CATEGORIES else "number" for name in names}
    columns = [f'    {name}: {{type: {types[name]}, nullable: true, unit: "{UNITS.get(name, "")}"}}' for name in names]
    head = "name: real\ndata:\n  id: row\n  label: y\n  columns:\n    row: {type: integer}\n    y: {type: integer}\n"
    return parse_spec(head + "\n".join(columns) + "\ntraining: {entry_point: train.py}\n")


def profile(table: Table, spec: Spec) -> Profile:
    columns = {name: spec.data.columns[name] for name in spec.monitored}
    types = {name: pa.float64() if name in UNITS else pa.string() for name in columns}
    return profile_table(
        pa.table({name: pa.array(table[name], type, from_pandas=True) for name, type in types.items()}), columns
    )


def changed(name: str, convert: Callable[[pd.Series], pd.Series]) -> Spoil:
    return lambda table: table.assign(**{name: convert(table[name])})


def swapped(one: str, other: str) -> Spoil:
    return lambda table: table.assign(**{one: table[other], other: table[one]})


PLANTED: dict[str, tuple[str, str, tuple[str, ...], Spoil]] = {
    "kelvin": ("flights", "unit", ("wx_temp",), changed("wx_temp", lambda it: ((it - 32) / 1.8 + 273.15).round(1))),
    "minutes": (
        "flights",
        "unit",
        ("sched_dep_time",),
        changed("sched_dep_time", lambda it: it // 100 * 60 + it % 100),
    ),
    "kilometres": ("flights", "unit", ("distance",), changed("distance", lambda it: (it * 1.609344).round())),
    "thousandfold": ("flights", "unit", ("distance",), changed("distance", lambda it: it * 1000)),
    "inches of mercury": ("flights", "unit", ("wx_pressure",), changed("wx_pressure", lambda it: it * 0.02953)),
    "shares": ("flights", "unit", ("wx_humid",), changed("wx_humid", lambda it: it / 100)),
    "celsius": ("traffic", "unit", ("temp",), changed("temp", lambda it: it - 273.15)),
    "gone": ("flights", "gone", ("origin",), changed("origin", lambda it: it.where(it.isna()))),
    "fewer": (
        "flights",
        "missing",
        ("wx_humid",),
        changed("wx_humid", lambda it: it.where(np.arange(len(it)) % 3 == 0)),
    ),
    "stuck": ("flights", "constant", ("wx_temp",), changed("wx_temp", lambda it: it * 0 + 51.0)),
    "lower case": ("flights", "levels", ("carrier",), changed("carrier", lambda it: it.str.lower())),
    "swapped numbers": ("flights", "swapped", ("wx_temp", "wx_pressure"), swapped("wx_temp", "wx_pressure")),
    "swapped texts": ("flights", "swapped", ("origin", "dest"), swapped("origin", "dest")),
}


def breaks(name: str, spoil: Spoil = lambda table: table, previous: Table | None = None) -> tuple[Break, ...]:
    windows = DATA_SETS[name]()
    spec = spec_of(windows.reference)
    before = profile(previous, spec) if previous is not None else None
    return find_breaks(profile(spoil(windows.current), spec), profile(windows.reference, spec), before, spec)


@pytest.mark.parametrize("name", ["flights", "traffic"])
def test_a_season_is_no_break(name: str) -> None:
    assert breaks(name) == ()


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_what_is_broken_is_found_with_its_kind_although_the_season_has_moved_too(
    planted: tuple[str, str, tuple[str, ...], Spoil],
) -> None:
    name, kind, columns, spoil = planted
    found = breaks(name, spoil)
    assert [(each.kind, set(each.columns)) for each in found] == [(kind, set(columns))]


def test_a_unit_that_hides_in_the_season_shows_against_the_window_before() -> None:
    july = DATA_SETS["flights"]().current
    celsius = changed("wx_temp", lambda it: ((it - 32) / 1.8).round(1))
    assert breaks("flights", celsius) == ()  # July in degrees Celsius looks like January in Fahrenheit
    (found,) = breaks("flights", celsius, previous=july)
    assert (found.kind, found.columns, found.against) == ("unit", ("wx_temp",), "previous window")
    assert found.message == "'wx_temp' looks like °C instead of °F"


def test_a_unit_that_only_the_reference_suggests_is_no_break_when_the_window_before_was_the_same() -> None:
    windows = DATA_SETS["flights"]()
    spec = spec_of(windows.reference)
    hot = profile(changed("wx_temp", lambda it: (it * 1.8 + 32).round(1))(windows.current), spec)
    july = profile(windows.current, spec)
    assert [each.columns for each in find_breaks(july, hot, None, spec)] == [("wx_temp",)]
    assert find_breaks(july, hot, july, spec) == ()


def test_levels_whose_spelling_alone_is_new_are_said_to_be_so() -> None:
    (found,) = breaks("flights", changed("carrier", lambda it: " " + it.str.lower()))
    assert found.message.endswith("only their spelling is new")
    (found,) = breaks("flights", changed("carrier", lambda it: "carrier " + it))
    assert found.message.endswith("renamed or recoded")


def test_a_scale_that_no_unit_explains_is_found_by_its_straight_line() -> None:
    july = DATA_SETS["flights"]().current
    (found,) = breaks("flights", changed("distance", lambda it: it * 7.3 + 11), previous=july)
    assert found.message == "'distance' is on another scale: 7.3 times what it was, +11"


def test_a_column_that_was_nearly_constant_may_be_so() -> None:
    spec = parse_spec(
        "name: tiny\ndata:\n  id: row\n  label: y\n  columns:\n    row: {type: integer}\n    y: {type: integer}\n"
        "    rain: {type: number}\ntraining: {entry_point: train.py}\n"
    )
    wet = profile_table(pa.table({"rain": [0.0] * 900 + [1.5] * 100}), {"rain": spec.data.columns["rain"]})
    dry = profile_table(pa.table({"rain": [0.0] * 500}), {"rain": spec.data.columns["rain"]})
    assert find_breaks(dry, wet, None, spec) == ()
