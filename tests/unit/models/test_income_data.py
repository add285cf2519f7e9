"""The survey's people are cut as documented: counts, rates and groups that are real."""

from pathlib import Path

import pandas as pd
import pytest

from models.income import data
from trimtab.spec import load_spec_file

SPEC = load_spec_file(Path(data.__file__).with_name("model.yaml"))


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return data.people()


def test_everybody_of_working_age_is_there_once_in_the_order_of_the_survey(people: pd.DataFrame) -> None:
    assert people["year"].value_counts(sort=False).to_dict() == {2015: 45_118, 2016: 45_033, 2017: 45_202, 2018: 45_307}
    assert people["id"].is_unique
    assert people["id"].is_monotonic_increasing
    assert (people["AGEP"].min(), people["AGEP"].max()) == data.WORKING_AGE


def test_people_with_a_disability_are_at_work_less_often(people: pd.DataFrame) -> None:
    rates = people.groupby("DIS")["employed"].mean()
    assert rates[1] == pytest.approx(0.3218, abs=5e-5)
    assert rates[2] == pytest.approx(0.7505, abs=5e-5)


def test_the_package_s_own_predictions_are_left_out_and_the_contract_names_every_column(
    people: pd.DataFrame, tmp_path: Path
) -> None:
    table = pd.read_parquet(data.write_training(people, tmp_path))
    assert len(table) == 45_118
    assert set(table.columns) == set(SPEC.data.columns)


def test_a_year_comes_in_four_deliveries_and_its_outcomes_apart(people: pd.DataFrame, tmp_path: Path) -> None:
    *drops, truth = (pd.read_parquet(path) for path in data.write_year(people, 2017, tmp_path))
    assert [len(drop) for drop in drops] == [11_300, 11_301, 11_300, 11_301]
    assert not any("employed" in drop.columns for drop in drops)
    assert truth["id"].tolist() == pd.concat(drops)["id"].tolist()


def test_only_years_that_come_in_deliveries_are_asked_for() -> None:
    assert data.year("2016") == 2016
    with pytest.raises(Exception, match="a year from 2016 to 2018"):
        data.year("2015")


def test_no_model_sees_what_its_people_are_protected_by_unless_the_policy_judges_it() -> None:
    assert set(SPEC.data.protected) == {"SEX", "RAC1P", "CIT", "NATIVITY"}
    assert set(SPEC.protected) - set(SPEC.data.features) == set(SPEC.data.protected)
    assert {"DIS", "AGEP"} < set(SPEC.protected)
