"""The training section: what a search may cost, and what does not fit together."""

from typing import Any

import pytest
from pydantic import ValidationError

from trimtab.spec.training import TrainingSpec

RANGES: dict[str, Any] = {"depth": {"min": 2, "max": 8}, "rate": {"min": 0.01, "max": 0.3, "scale": "log"}}
GRID: dict[str, Any] = {"depth": [2, 4, 8], "kind": ["a", "b"]}


def training(**more: Any) -> TrainingSpec:
    return TrainingSpec.model_validate({"entry_point": "train.py"} | more, strict=False)


def tuned(**tuning: Any) -> TrainingSpec:
    return training(tuning={"ranges": RANGES} | tuning)


def test_money_buys_as_many_trials_as_it_pays_for_at_the_list_price() -> None:
    # ml.m5.xlarge: 0.23 USD for each of the hours that a trial may take
    assert tuned(money=1.0, max_jobs=20).max_trials == 4
    assert tuned(money=100.0, max_jobs=20).max_trials == 20
    assert tuned(money=1.0, max_jobs=20, trial_minutes=30).max_trials == 8
    assert tuned(money=1.0, price_per_hour_usd=0.5).max_trials == 2


def test_every_instance_is_paid_for() -> None:
    assert training(instance_count=2, tuning={"ranges": RANGES, "money": 1.0}).max_trials == 2


def test_a_grid_is_as_large_as_its_choices() -> None:
    assert tuned(strategy="grid", ranges=GRID).max_trials == 6


@pytest.mark.parametrize(
    ("tuning", "told"),
    [
        ({"money": 0.1}, "pays for 0 trials"),
        ({"strategy": "grid"}, "list of choices"),
        ({"strategy": "grid", "ranges": GRID, "max_jobs": 5}, "6 points, more than max_jobs"),
        ({"strategy": "grid", "ranges": GRID, "money": 1.0}, "pays for 4 trials"),
        ({"ranges": {"depth": {"min": 8, "max": 2}}}, "must be below max"),
        ({"ranges": {"rate": {"min": 0, "max": 1, "scale": "log"}}}, "begins above 0"),
        ({"min_resource": 9, "max_resource": 9}, "must be below max_resource"),
        ({"ranges": {"a b": [1]}}, "should match pattern"),
    ],
)
def test_a_search_that_cannot_be_is_refused_in_words(tuning: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        tuned(**tuning)


def test_a_budget_needs_a_price() -> None:
    with pytest.raises(ValidationError, match=r"no price of ml\.x9\.large is known"):
        training(instance_type="ml.x9.large", tuning={"ranges": RANGES, "money": 5.0})


def test_spot_waits_as_long_as_it_trains_by_default() -> None:
    assert training(spot=True, max_runtime_minutes=30).wait_minutes == 60
    assert training(spot=True, max_runtime_minutes=30, max_wait_minutes=45).wait_minutes == 45
    with pytest.raises(ValidationError, match="at least 30"):
        training(spot=True, max_runtime_minutes=30, max_wait_minutes=10)
    with pytest.raises(ValidationError, match="for spot"):
        training(max_wait_minutes=10)


def test_search_and_training_together_are_what_a_lease_must_outlast() -> None:
    assert training(spot=True, max_runtime_minutes=30, tuning={"ranges": RANGES, "minutes": 90}).making_minutes == 150
