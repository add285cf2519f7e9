"""Recovery asks of a reading what its alarm has looked at."""

from trimtab.recovery.ringing import breaches
from trimtab.spec import MonitoringSpec

SEASON = {"max_psi": 8.0, "weighted_reading": 0.1}
"""A column that hardly matters has moved far."""


def test_drift_is_that_of_the_column_that_moved_most_by_default() -> None:
    assert breaches("drift", SEASON, MonitoringSpec())


def test_drift_by_importance_is_that_of_what_the_version_leans_on() -> None:
    watch = MonitoringSpec.model_validate({"drift_by": "importance"})
    assert not breaches("drift", SEASON, watch)
    assert breaches("drift", {**SEASON, "weighted_reading": 0.3}, watch)


def test_a_reading_from_before_there_were_weights_is_none() -> None:
    watch = MonitoringSpec.model_validate({"drift_by": "importance"})
    assert not breaches("drift", {"max_psi": 8.0}, watch)
