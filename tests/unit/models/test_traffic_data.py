"""The hours on the motorway are cut as documented, with the faults of their source, and the contract finds those."""

from pathlib import Path

import pandas as pd
import pytest

from models.traffic import data
from models.traffic.features import holiday
from trimtab.spec import load_spec_file

SPEC = load_spec_file(Path(data.__file__).with_name("model.yaml"))


@pytest.fixture(scope="module")
def hours() -> pd.DataFrame:
    return data.hours()


def test_all_rows_are_there_in_order_of_time(hours: pd.DataFrame) -> None:
    assert len(hours) == 48_204
    assert hours["date_time"].is_monotonic_increasing
    assert hours["row_id"].is_unique
    assert set(hours.columns) == set(SPEC.data.columns)


def test_the_faults_of_the_source_are_kept(hours: pd.DataFrame) -> None:
    assert hours["date_time"].nunique() == 40_575, "an hour with several weather reports has several rows"
    assert (hours["temp"] == 0).sum() == 10
    assert hours["rain_1h"].max() == pytest.approx(9831.3)
    assert hours.duplicated(subset=[name for name in hours if name != "row_id"]).sum() == 17


def test_nine_months_never_came(hours: pd.DataFrame) -> None:
    there = data.months(hours)
    assert (len(there), there[0], there[-1]) == (51, "2013-10", "2018-09")
    assert {"2014-08", "2015-06"} < set(there)
    assert not [name for name in there if "2014-09" <= name <= "2015-05"]


def test_a_mended_month_has_gaps_where_the_thermometer_was_broken(hours: pd.DataFrame) -> None:
    mended = data.mended(hours)
    february = mended[mended["date_time"].dt.strftime("%Y-%m") == "2014-02"]
    assert february["temp"].isna().sum() == 6
    assert february["temp"].min() > 240


def test_one_hour_of_impossible_rain_is_more_than_a_month_may_have_and_is_left_out_by_mending(
    hours: pd.DataFrame,
) -> None:
    july = hours[hours["date_time"].dt.strftime("%Y-%m") == "2016-07"]
    _, high = SPEC.data.columns["rain_1h"].range or (0, 0)
    assert (july["rain_1h"] > high).mean() > SPEC.data.quality.max_violation_share
    whole = data.mended(july)
    assert (len(july) - len(whole), whole["rain_1h"].max() < high) == (1, True)


def test_a_month_has_its_hours_and_its_volumes(hours: pd.DataFrame, tmp_path: Path) -> None:
    drop, truth = (pd.read_parquet(path) for path in data.write_month(hours, "2016-07", tmp_path))
    assert (len(drop), len(truth)) == (816, 816)
    assert list(truth.columns) == ["row_id", "traffic_volume"]
    assert data.LABEL not in drop.columns


def test_only_months_of_their_own_are_asked_for() -> None:
    assert data.month("2013-10") == "2013-10"
    with pytest.raises(Exception, match="a month from 2013-10 on"):
        data.month("2013-09")


def test_every_hour_of_a_federal_holiday_is_one(hours: pd.DataFrame) -> None:
    year = hours[hours["date_time"].dt.year == 2013]
    free = holiday(year[["date_time"]].assign(date_time=lambda rows: rows["date_time"].dt.tz_localize("UTC")))
    days = year.loc[free["holiday"] == 1, "date_time"].dt.strftime("%m-%d").unique()
    assert {"01-01", "07-04", "11-28", "12-25"} <= set(days)
    assert len(days) == 10
    named = year.loc[year["holiday"].notna(), "date_time"].dt.strftime("%m-%d")
    assert set(days) - set(named) == {"01-21"}, "the source names a day in its first hour, and that one has none"
