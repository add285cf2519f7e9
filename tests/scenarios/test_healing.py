"""A deployed model that heals itself with restraint: by its season, by the rule of approval, and when a cooldown ends.

The steps build on each other: a failure makes those after it fail too.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.fixtures.models.tiny import data
from tests.local.conftest import LocalCloud, own_cloud, wait_until
from tests.scenarios.healing import MONITORING, Pumps, pumps_deployed

__all__ = ["own_cloud"]

AUTO = {"gates": ["champion"], "max_metric_change": 0.001, "max_prediction_change": 1.0}
RETRAINING: dict[str, Any] = {"daily_budget": 9, "backoff": {"factor": 1}, "give_up_after": 2}
SPEC: dict[str, Any] = {
    "monitoring": MONITORING | {"reference": "same_period"},
    "retraining": RETRAINING | {"triggers": ["first_data"], "volume": {"drops": 1}, "cooldown_hours": 6},
    "approval": {"auto": AUTO},
}
BY_ALARM = RETRAINING | {"triggers": ["first_data", "drift"], "cooldown_hours": 36}
"""A day after a training it is too soon for the next one, and two days after it is not."""

STEPS = ["approval.checked", "staging.tested", "rollout.planned", "rollout.serving", "promotion.closed"]


@pytest.fixture(scope="module")
def pumps(own_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pumps]:
    """Nothing was dropped yet."""
    with pumps_deployed(own_cloud, tmp_path_factory.mktemp("pumps"), SPEC) as made:
        yield made


def last_years_march(folder: Path) -> bytes:
    """Another sample of March, a year before, of which nobody knows the labels."""
    rows = data.month(3, seed=8).drop(columns=[data.LABEL])
    path = folder / "pumps_2025-03.parquet"
    rows.assign(id=rows["id"] + 10**9, at=rows["at"] - pd.DateOffset(years=1)).to_parquet(path, index=False)
    return path.read_bytes()


def test_a_march_like_last_years_is_no_drift_although_the_version_learned_january(pumps: Pumps) -> None:
    loop = pumps.loop
    assert loop.drop("pumps_2025-03.parquet", last_years_march(pumps.folder)).state == "Accepted"
    pumps.serve_january()
    pumps.traffic(data.month(3))
    pumps.a_day_later()
    measured = pumps.entries("window.measured")[-1]
    assert measured.data["reference"] == "same period: 2025-03"
    assert measured.data["max_psi"] < 0.25
    assert loop.alarm("PsiMax") != "ALARM"


def test_a_version_that_changes_more_than_the_rule_allows_waits_for_a_person(pumps: Pumps) -> None:
    pumps.labelled(3)
    assert pumps.trained().state == "Registered"
    said = pumps.entries("approval.automatic")[-1]
    failed = [each["question"] for each in said.data["conditions"] if not each["passed"]]
    assert failed == ["Is the change of auc at most 0.001?"]
    assert pumps.loop.versions()[0]["ModelApprovalStatus"] == "PendingManualApproval"
    assert pumps.serving() == 1


def test_an_alarm_within_the_cooldown_is_kept_and_taken_up_by_itself_when_it_is_over(pumps: Pumps) -> None:
    pumps.redeploy(approval={"auto": AUTO | {"max_metric_change": 0.5}}, retraining=BY_ALARM)
    pumps.loop.settle("promotion")
    pumps.labelled(4)
    pumps.traffic(data.month(5))
    assert pumps.skill(data.month(6)) < 0.6, "version 1 knows nothing of what comes"
    assert pumps.a_day_later().state == "Measured"
    drift = pumps.alarm_name("Drift")
    wait_until(lambda: pumps.decisions(drift), 600, lambda: "the alarm was not answered")
    (kept,) = pumps.decisions(drift)
    assert kept.kind == "retrain.deferred"
    assert kept.data["reason"].startswith("cooldown until ")
    assert ";" not in kept.data["reason"], "nothing else is in the way"
    assert len(pumps.entries("retrain.requested")) == 1
    pumps.a_day_later()
    assert pumps.trained().state == "Registered"
    asked = pumps.entries("retrain.requested")[-1].data
    assert (asked["cause"], drift in asked["settles"]) == ("look", True)
    assert pumps.decisions(drift) == [kept], "it did not ring again"


def test_what_the_alarm_asked_for_reaches_production_without_a_person_and_is_better_there(pumps: Pumps) -> None:
    june, third = data.month(6), pumps.version()
    promotion = pumps.loop.next("promotion", 600)
    assert promotion.state == "Serving", promotion
    automatic = pumps.entries("approval.automatic")[-1].data
    assert (automatic["version"], automatic["approved"]) == (third, True)
    assert all(condition["passed"] for condition in automatic["conditions"])
    about = promotion.output["promotion"]
    assert (about["version"], about["automatic"]) == (third, True)
    taken = [entry.kind for entry in pumps.entries("") if entry.subject == about["id"] and entry.kind in STEPS]
    assert taken == STEPS
    assert pumps.serving() == third == 3
    assert pumps.skill(june) > 0.6
    pumps.traffic(june)
    pumps.a_day_later()
    measured = pumps.entries("window.measured")[-1]
    assert measured.data["version"] == third
    assert measured.data["max_psi"] < 0.25
    wait_until(lambda: pumps.loop.alarm("PsiMax") == "OK", 600, lambda: "the alarm goes on")
