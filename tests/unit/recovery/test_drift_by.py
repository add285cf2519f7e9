"""Recovery asks of a reading what its alarm has looked at."""

from typing import Any

from tests.fakes import NOON, MemoryLedger
from trimtab.recovery.readings import newest
from trimtab.spec import MonitoringSpec

SEASON = {"max_psi": 8.0, "weighted_reading": 0.1}
"""A column that hardly matters has moved far."""


def rings(reading: dict[str, Any], watch: MonitoringSpec) -> bool:
    ledger = MemoryLedger()
    ledger.append("window.measured", "w", {"version": 1, **reading}, NOON, "test")
    found = newest("drift", ledger.rows, 1, watch)
    return found is not None and found > watch.psi_limit


def test_drift_is_that_of_the_column_that_moved_most_by_default() -> None:
    assert rings(SEASON, MonitoringSpec())


def test_drift_by_importance_is_that_of_what_the_version_leans_on() -> None:
    watch = MonitoringSpec.model_validate({"drift_by": "importance"})
    assert not rings(SEASON, watch)
    assert rings({**SEASON, "weighted_reading": 0.3}, watch)


def test_a_reading_from_before_there_were_weights_is_none() -> None:
    watch = MonitoringSpec.model_validate({"drift_by": "importance"})
    assert not rings({"max_psi": 8.0}, watch)
