"""The flights are cut as documented: counts, rates and traps that are real."""

from pathlib import Path

import pandas as pd
import pytest

from models.flights import data
from trimtab.spec import load_spec_file

SPEC = load_spec_file(Path(data.__file__).with_name("model.yaml"))


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    return data.flights()


def test_all_departures_are_there_in_time_order(flights: pd.DataFrame) -> None:
    assert len(flights) == 336_776
    assert flights[data.EVENT_TIME].is_monotonic_increasing
    assert flights[data.ID].is_unique


@pytest.mark.parametrize(
    ("month", "rows", "labelled", "rate"),
    [(3, 28_834, 27_902, 0.236), (9, 27_574, 27_010, 0.1372), (12, 28_135, 27_020, 0.3355)],
)
def test_a_month_has_its_flights_and_its_outcomes(
    flights: pd.DataFrame, tmp_path: Path, month: int, rows: int, labelled: int, rate: float
) -> None:
    drop, truth = (pd.read_parquet(path) for path in data.write_month(flights, month, tmp_path))
    assert (len(drop), len(truth)) == (rows, labelled)
    assert list(truth.columns) == ["flight_id", "late15"]
    assert truth["late15"].mean() == pytest.approx(rate, abs=5e-5)
    assert data.LABEL not in drop.columns


def test_the_training_file_has_its_labels_and_every_column_of_the_contract(
    flights: pd.DataFrame, tmp_path: Path
) -> None:
    table = pd.read_parquet(data.write_training(flights, tmp_path))
    assert len(table) == 51_955
    assert set(table.columns) == set(SPEC.data.columns)
    assert table["wx_wind_gust"].isna().mean() == pytest.approx(0.76, abs=0.05)


def test_the_same_package_gives_the_same_bytes(flights: pd.DataFrame, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, second = (data.write_month(flights, 3, tmp_path / name)[0].read_bytes() for name in ("a", "b"))
    assert first == second


def test_only_months_that_are_dropped_on_their_own_are_asked_for() -> None:
    assert data.month("7") == 7
    with pytest.raises(Exception, match="a month from 3 to 12"):
        data.month("2")
