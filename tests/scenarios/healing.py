"""A deployed model that is to heal itself: the months that come to it, its alarms, and who answers them."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from cli.stage import Stage
from demo.traffic import json_lines, send_all
from tests.fixtures.models.tiny import data
from tests.local.conftest import ROOT, LocalCloud, wait_until
from tests.local.loop_support import FIXTURE, PREFIX, Ended, Loop, deploy, deploy_model, environment
from tests.scenarios.deployed import rewrite
from trimtab.ledger.kinds import ALARM_CLEARED
from trimtab.ports import Entry
from trimtab.recovery.history import DECISIONS

SPEED = 60
DAY_S = 24 * 3600
_PATIENCE_S = 600
ROLLOUT = {"strategy": "all_at_once", "bake_minutes": 0, "on_inconclusive": "proceed", "instance_count": 1}
MONITORING = {"schedule": "rate(1 day)", "min_rows": 100}
EVALUATION = {
    "metrics": {"auc": {"min": 0.6}},
    "baseline": "prevalence",
    "bootstrap_rounds": 200,
    "slices": ["site"],
}
"""Held against prevalence alone: one small tree does not beat a logistic regression on every month."""


@dataclass
class Pumps:
    """The deployed model, and the months that come to it."""

    loop: Loop
    folder: Path

    def entries(self, kind: str) -> list[Entry]:
        return Stage().ledger("tiny").entries(kind)

    def redeploy(self, **sections: Any) -> None:
        """The model's stack is as its folder, and its spec with these sections, say."""
        rewrite(self.folder / "tiny", sections)
        deploy_model(self.loop.cloud, str(self.folder / "tiny"))

    # what comes ------------------------------------------------------------------------------------------------------

    def serve_january(self) -> None:
        """Version 1, which has learned January, serves by a person's approval."""
        body = data.write_labelled(1, self.folder).read_bytes()
        assert self.loop.drop("january.parquet", body).state == "Accepted"
        assert self.loop.next("training", _PATIENCE_S).state == "Registered"
        self.loop.approve(self.loop.versions()[0]["ModelPackageArn"])
        assert self.loop.next("promotion", _PATIENCE_S).state == "Serving"

    def labelled(self, number: int) -> None:
        """A month comes, and then its truth; recovery is asked for it."""
        drop, truth = data.write_month(number, self.folder)
        assert self.loop.drop(drop.name, drop.read_bytes()).state == "Accepted"
        self.loop.settle("recovery")
        assert self.loop.drop(truth.name, truth.read_bytes(), kind="truth").state == "Accepted"

    def traffic(self, rows: pd.DataFrame) -> None:
        """Production was asked for every row, and has captured it."""
        before, table = self.loop.captured(), pa.Table.from_pandas(_unlabelled(rows), preserve_index=False)
        requests = send_all(self.loop.runtime, PREFIX, table, rows_per_request=300)
        wait_until(lambda: self.loop.captured() - before >= requests, _PATIENCE_S, lambda: "not all is captured")

    def skill(self, rows: pd.DataFrame) -> float:
        """AUC of what production answers now to labelled rows."""
        body = json_lines(pa.Table.from_pandas(_unlabelled(rows), preserve_index=False))
        kind = "application/jsonlines"
        said = self.loop.runtime.invoke_endpoint(EndpointName=PREFIX, ContentType=kind, Accept=kind, Body=body)
        answers = pd.DataFrame(json.loads(line) for line in said["Body"].read().splitlines())
        both = rows.merge(answers, on="id", validate="one_to_one")
        assert len(both) == len(rows)
        return float(roc_auc_score(both[data.LABEL], both["score"]))

    # what follows ----------------------------------------------------------------------------------------------------

    def a_day_later(self) -> Ended:
        """The daily monitoring run has ended, and recovery was asked to look once more."""
        self.loop.settle("monitoring")
        self.loop.settle("recovery")
        self.loop.cloud.advance(DAY_S)
        return self.loop.next("monitoring")

    def trained(self) -> Ended:
        self.loop.answered("Started")
        return self.loop.next("training", _PATIENCE_S)

    def version(self) -> int:
        """The newest one."""
        return int(self.loop.versions()[0]["ModelPackageVersion"])

    def serving(self) -> int:
        """The version that the endpoint's live config names."""
        config = str(self.loop.endpoint()["EndpointConfigName"])
        return int(config.removeprefix(f"{PREFIX}-v").partition("-")[0])

    def alarm_name(self, kind: str) -> str:
        """Of the model's alarm on measurements of a kind, like Drift."""
        alarms = self.loop.cloud.client("cloudwatch").describe_alarms(
            AlarmNamePrefix=f"trimtab-dev-model-tiny-Alarms{kind}"
        )
        (found,) = alarms["MetricAlarms"]
        return str(found["AlarmName"])

    def decisions(self, alarm: str) -> list[Entry]:
        """What recovery has answered to the alarm, ring by ring."""
        rows = [entry for kind in DECISIONS for entry in self.entries(kind)]
        mine = [row for row in rows if row.data["cause"] == "alarm" and row.data["alarm"] == alarm]
        return sorted(mine, key=lambda row: row.seq)

    def ring(self, kind: str) -> Entry:
        """The alarm has gone to OK and rings anew; the answer that recovery wrote down."""
        alarm, watch = self.alarm_name(kind), self.loop.cloud.client("cloudwatch")
        cleared, answered = len(self._cleared(alarm)), len(self.decisions(alarm))
        watch.set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="it flaps")
        wait_until(lambda: len(self._cleared(alarm)) > cleared, _PATIENCE_S, lambda: "the end was not written down")
        watch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="it flaps")
        wait_until(lambda: len(self.decisions(alarm)) > answered, _PATIENCE_S, lambda: "the alarm was not answered")
        return self.decisions(alarm)[-1]

    def rings(self, alarm: str) -> int:
        """How often CloudWatch says that the alarm began to ring."""
        history = self.loop.cloud.client("cloudwatch").get_paginator("describe_alarm_history")
        pages = history.paginate(AlarmName=alarm, HistoryItemType="StateUpdate")
        told = [item for page in pages for item in page["AlarmHistoryItems"]]
        turns = [json.loads(item["HistoryData"]) for item in told]
        return sum(turn["newState"]["stateValue"] == "ALARM" for turn in turns)

    def _cleared(self, alarm: str) -> list[Entry]:
        return [row for row in self.entries(ALARM_CLEARED) if row.data["alarm"] == alarm]


def _unlabelled(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns=data.LABEL, errors="ignore")


@contextmanager
def pumps_deployed(cloud: LocalCloud, folder: Path, spec: dict[str, Any], train_py: str = "") -> Iterator[Pumps]:
    """The fixture model with these sections, and another training script if one is given; nothing was dropped yet."""
    shutil.copytree(ROOT / FIXTURE, folder / "tiny", ignore=shutil.ignore_patterns("__pycache__"))
    rewrite(folder / "tiny", {"rollout": ROLLOUT, "monitoring": MONITORING, "evaluation": EVALUATION} | spec)
    if train_py:
        (folder / "tiny" / "train.py").write_text(train_py)
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(cloud).items():
            patched.setenv(name, value)
        deploy(cloud, cloud.state_dir, str(folder / "tiny"))
        cloud.set_speed(SPEED)
        yield Pumps(Loop(cloud), folder)
        cloud.set_speed(1)
