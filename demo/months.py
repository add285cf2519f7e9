"""Steps 5 and 6: month after month, requests go to production, truth comes late, and the model corrects itself."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from cli import drops
from demo import rollouts
from demo.captures import Captures
from demo.scene import DemoError, Scene
from demo.traffic import SteadyLoad, send_all
from models.flights import data as flights
from trimtab.contracts import DropKind
from trimtab.ledger.kinds import (
    CANDIDATE_JUDGED,
    CANDIDATE_REGISTERED,
    DROP_ACCEPTED,
    DROP_QUARANTINED,
    QUALITY_MEASURED,
    RETRAIN_REQUESTED,
    TRAINING_RELEASED,
    WINDOW_MEASURED,
)
from trimtab.ports import Entry

LEAST_PER_SECOND = 20
"""Requests that must really have been sent while a rollout is said to have been under load."""
ACCEPTED_OR_NOT = (DROP_ACCEPTED, DROP_QUARANTINED)


@dataclass
class Month:
    """What was measured in one month, and what followed."""

    number: int
    version: int
    rows: int
    window: dict[str, Any]
    quality: dict[str, Any] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"2013-{self.number:02d}"


class Months:
    """Plays the months from March on."""

    def __init__(self, scene: Scene, table: pd.DataFrame, folder: Path) -> None:
        self.scene, self._table, self._folder = scene, table, folder
        self.seen: list[Month] = []
        self.rollouts: list[rollouts.Rollout] = []
        self._captures = Captures(scene)

    def play(self, number: int) -> None:
        """One month: its flights are asked for, measured and dropped; then its truth comes."""
        mark = self.scene.mark()
        drop, truth = flights.write_month(self._table, number, self._folder)
        rows = self._request(number, drop)
        self._drop(drop, DropKind.DATA)
        self.measure(mark, number, rows)
        self._drop(truth, DropKind.TRUTH)
        self._follow_recovery(mark)
        self.seen[-1].alarms = self._ringing()

    def measure(self, mark: int, number: int | None = None, rows: int = 0) -> None:
        """A day passes and the monitoring schedule fires; late truth of earlier months is measured with it."""
        scene = self.scene
        wanted = QUALITY_MEASURED if number is None else WINDOW_MEASURED
        scene.advance(hours=24)
        measured = scene.wait_for_entry([wanted], mark)
        scene.wait("the end of monitoring", self._monitoring_ended)
        if number is not None:
            scene.tell(measured)
            self.seen.append(Month(number, measured.data["version"], rows, dict(measured.data)))
        self._take_quality(mark)

    def _request(self, number: int, drop: Path) -> int:
        """Number of flights asked for; their captured requests lie in S3."""
        table, began = pq.read_table(drop), time.monotonic()
        requests = send_all(self.scene.client("sagemaker-runtime"), self.scene.names.endpoint, table)
        seconds = time.monotonic() - began
        self.scene.say(
            f"[bold]2013-{number:02d}[/bold]: {table.num_rows:,} flights scored in {requests} requests, {seconds:.1f} s"
        )
        self._captures.wait_for(requests)
        return int(table.num_rows)

    def _drop(self, file: Path, kind: DropKind) -> Entry:
        mark = self.scene.mark()
        drops.upload(self.scene.stage, self.scene.model, file, kind)
        accepted = self.scene.wait_for_entry(ACCEPTED_OR_NOT, mark)
        if accepted.kind != DROP_ACCEPTED:
            raise DemoError(f"{file.name} was refused: {accepted.data.get('summary')}")
        return accepted

    def _follow_recovery(self, mark: int) -> None:
        """Tell what recovery decided since ``mark``, and see a retraining through to its end."""
        scene = self.scene
        truth = scene.wait("recovery's answer to the new truth", lambda: self._answer_to_truth(mark), seconds=60)
        for entry in scene.entries("retrain."):
            if mark < entry.seq <= truth.seq:
                scene.tell(entry)
        requested = next((e for e in scene.entries(RETRAIN_REQUESTED) if e.seq > mark), None)
        if requested is None:
            return
        released = scene.wait_for_entry([TRAINING_RELEASED], requested.seq, seconds=180)
        for entry in scene.entries():
            if entry.kind in (CANDIDATE_JUDGED, CANDIDATE_REGISTERED, TRAINING_RELEASED) and (
                requested.seq < entry.seq <= released.seq
            ):
                scene.tell(entry)
        registered = next((e for e in scene.entries(CANDIDATE_REGISTERED) if e.seq > requested.seq), None)
        if registered is not None:
            self._promote(registered)

    def _answer_to_truth(self, mark: int) -> Entry | None:
        found = [entry for entry in self.scene.entries("retrain.") if entry.seq > mark]
        return next((entry for entry in found if entry.data["cause"] == "truth"), None)

    def _promote(self, registered: Entry) -> None:
        """Step 6: the challenger that beat the champion is approved and rolled out while requests keep coming."""
        scene, version = self.scene, registered.data["version"]
        scene.title(f"6. Version {version} beat the champion: approved, and rolled out under load")
        with self.load() as load:
            rollout = rollouts.watch(scene, rollouts.approve(scene, registered.data["package_arn"]), load)
        self._captures.wait_for(load.sent)
        rollout.sent, rollout.failed = load.sent, load.failed
        self.rollouts.append(rollout)
        scene.say(f"{load.sent} requests at {load.sent / load.seconds:.0f} per second, {load.failed} failed")
        if load.sent < LEAST_PER_SECOND * load.seconds:
            raise DemoError(f"the load fell behind: {load.sent} requests in {load.seconds:.0f} s")
        if rollout.outcome != "Serving" or load.failed:
            raise DemoError(f"the canary ended in {rollout.outcome} with {load.failed} failed requests")

    def load(self) -> SteadyLoad:
        """A steady stream of March's flights."""
        table = pq.read_table(self._folder / "flights_2013-03.parquet")
        return SteadyLoad(self.scene.client("sagemaker-runtime"), self.scene.names.endpoint, table)

    def _monitoring_ended(self) -> bool:
        return all(each["status"] != "RUNNING" for each in self.scene.executions("monitoring"))

    def _take_quality(self, mark: int) -> None:
        """Performance that late truth has brought to light since ``mark``."""
        for entry in self.scene.entries(QUALITY_MEASURED):
            month = next((m for m in self.seen if m.window["window"]["id"] == entry.subject), None)
            if month is not None and entry.seq > mark and entry.data["judged"]:
                month.quality = dict(entry.data)
                self.scene.say(f"  {entry.kind:<20} {month.name}: {entry.data['summary']}")

    def _ringing(self) -> list[str]:
        pages = self.scene.client("cloudwatch").get_paginator("describe_alarms").paginate(StateValue="ALARM")
        found = [alarm for page in pages for alarm in page["MetricAlarms"]]
        ringing = [alarm["MetricName"] for alarm in found if "MetricName" in alarm]
        if ringing:
            self.scene.say(f"  in ALARM: the alarms on {', '.join(ringing)}")
        return ringing
