"""A deployed model that heals itself with restraint: held against its season, and not approved by a rule it breaks.

The steps build on each other: a failure makes those after it fail too.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from cli.stage import Stage
from demo.traffic import send_all
from tests.fixtures.models.tiny import data
from tests.local.conftest import ROOT, LocalCloud, own_cloud, wait_until
from tests.local.loop_support import FIXTURE, PREFIX, Ended, Loop, deploy, environment
from tests.scenarios.deployed import rewrite
from trimtab.ports import Entry

__all__ = ["own_cloud"]

SPEED = 60
DAY_S = 24 * 3600
AUTO = {"gates": ["champion"], "max_metric_change": 0.001, "max_prediction_change": 1.0}
SPEC: dict[str, Any] = {
    "rollout": {"strategy": "all_at_once", "bake_minutes": 0, "on_inconclusive": "proceed", "instance_count": 1},
    "monitoring": {"schedule": "rate(1 day)", "min_rows": 100, "reference": "same_period"},
    "retraining": {
        "triggers": ["first_data"],
        "volume": {"drops": 1},
        "cooldown_hours": 6,
        "daily_budget": 9,
        "backoff": {"factor": 1},
        "give_up_after": 2,
    },
    "approval": {"auto": AUTO},
}


@dataclass
class Pumps:
    """The deployed model, and the months that come to it."""

    loop: Loop
    folder: Path

    def entries(self, kind: str) -> list[Entry]:
        return Stage().ledger("tiny").entries(kind)

    def labelled(self, number: int) -> None:
        """A month comes, and then its truth; recovery is asked for it."""
        drop, truth = data.write_month(number, self.folder)
        assert self.loop.drop(drop.name, drop.read_bytes()).state == "Accepted"
        self.loop.settle("recovery")
        assert self.loop.drop(truth.name, truth.read_bytes(), kind="truth").state == "Accepted"

    def a_day_later(self) -> None:
        """The daily monitoring run has ended, and recovery was asked to look once more."""
        self.loop.settle("monitoring")
        self.loop.settle("recovery")
        self.loop.cloud.advance(DAY_S)
        self.loop.next("monitoring")

    def trained(self) -> Ended:
        self.loop.answered("Started")
        return self.loop.next("training", 600)


@pytest.fixture(scope="module")
def pumps(own_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pumps]:
    """Nothing was dropped yet."""
    folder = tmp_path_factory.mktemp("pumps")
    shutil.copytree(ROOT / FIXTURE, folder / "tiny", ignore=shutil.ignore_patterns("__pycache__"))
    rewrite(folder / "tiny", SPEC)
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(own_cloud).items():
            patched.setenv(name, value)
        deploy(own_cloud, own_cloud.state_dir, str(folder / "tiny"))
        own_cloud.set_speed(SPEED)
        yield Pumps(Loop(own_cloud), folder)
        own_cloud.set_speed(1)


def last_years_march(folder: Path) -> bytes:
    """Another sample of March, a year before, of which nobody knows the labels."""
    rows = data.month(3, seed=8).drop(columns=[data.LABEL])
    path = folder / "pumps_2025-03.parquet"
    rows.assign(id=rows["id"] + 10**9, at=rows["at"] - pd.DateOffset(years=1)).to_parquet(path, index=False)
    return path.read_bytes()


def test_a_march_like_last_years_is_no_drift_although_the_version_learned_january(pumps: Pumps) -> None:
    loop = pumps.loop
    assert loop.drop("pumps_2025-03.parquet", last_years_march(pumps.folder)).state == "Accepted"
    assert loop.drop("january.parquet", data.write_labelled(1, pumps.folder).read_bytes()).state == "Accepted"
    assert loop.next("training", 600).state == "Registered"
    loop.approve(loop.versions()[0]["ModelPackageArn"])
    assert loop.next("promotion", 600).state == "Serving"
    before = loop.captured()
    requests = send_all(loop.runtime, PREFIX, pq.read_table(data.write_month(3, pumps.folder)[0]), rows_per_request=300)
    wait_until(lambda: loop.captured() - before >= requests, 60, lambda: f"{loop.captured()} of {requests} captured")
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
    assert pumps.loop.endpoint()["EndpointConfigName"].startswith(f"{PREFIX}-v1-")
