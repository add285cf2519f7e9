"""Plays a set: requests, drops and late truth come on their days, and a person approves what is registered."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from cli import drops, retraining
from demo import rollouts
from demo.captures import Captures
from demo.months import ACCEPTED_OR_NOT
from demo.scene import POLL_SECONDS, DemoError, Scene
from demo.traffic import SteadyLoad, send_all
from replay.alarms import ringing
from replay.cloud_time import CloudTime
from replay.happenings import Deed, Happening, Replayed
from replay.readings import expected
from trimtab.aws.alarm_reader import CloudWatchAlarmReader
from trimtab.contracts import DropKind
from trimtab.ledger.kinds import (
    CANDIDATE_JUDGED,
    CANDIDATE_REGISTERED,
    DROP_ACCEPTED,
    MACHINE_FAILED,
    QUALITY_MEASURED,
    RETRAIN_REQUESTED,
    RETRAIN_RESUMED,
    TRAINING_RELEASED,
    WINDOW_MEASURED,
)
from trimtab.ports import Entry
from trimtab.recovery.history import History
from trimtab.spec import Spec

SPEED = 60.0
"""Virtual seconds for one real second, but for the jumps."""
ROWS_PER_REQUEST = 2000
QUIET_SECONDS = 0.8
"""An alarm is evaluated within half a second of its metric, and its event delivered at once."""
ALARM_SECONDS = 60
MOST = 20
"""Executions of a machine that are looked at: more do not run at once."""
LONGEST_SECONDS = 900
"""On a busy machine too, a training or a rollout takes less; it only bounds what has failed."""
STEP_SECONDS = 300
TOLD = (WINDOW_MEASURED, QUALITY_MEASURED, "retrain.", "alarm.")
FIRST = "first version"
SHORT_LIVED = ("intake", "monitoring", "recovery")
LOAD_PER_SECOND = 25


@dataclass(frozen=True)
class Look:
    """Which alarms rang once the cloud was at rest again after a measurement."""

    day: date
    measured: tuple[str, ...]
    """Ids of the windows whose data were measured since the look before."""
    judged: tuple[str, ...]
    """Ids of those whose performance was."""
    ringing: frozenset[str]


@dataclass
class Played:
    """What the player did and saw; the ledger has the rest."""

    looks: list[Look] = field(default_factory=list)
    asked: dict[str, tuple[date, int]] = field(default_factory=dict)
    """By period: the day, and rows."""
    spent: dict[str, float] = field(default_factory=dict)
    """Seconds by what they went into."""
    requests: int = 0
    failed: int = 0
    disagreed: int = 0
    """Alarms that did not follow their readings."""


class Player:
    """Plays one set on a deployed cloud."""

    def __init__(self, scene: Scene, spec: Spec, replayed: Replayed, clock: CloudTime) -> None:
        self.scene, self.spec, self.replayed, self.clock = scene, spec, replayed, clock
        self.played = Played()
        self._captures = Captures(scene)
        self._seen = 0
        self._load_file: Path = replayed.happenings[0].file or replayed.training
        self._deeds: dict[Deed, Callable[[Happening], None]] = {
            Deed.ASK: self._ask,
            Deed.DROP: self._drop,
            Deed.TRUTH: self._tell_truth,
            Deed.MEASURE: self._measure,
        }

    def play(self) -> Played:
        """The first version serves, and then everything happens on its day."""
        self.scene.set_speed(SPEED)
        self._timed(FIRST, self._first_version)
        for happening in self.replayed.happenings:
            self.clock.until(happening.moment)
            self._timed(happening.deed.value, partial(self._deeds[happening.deed], happening))
            self._follow()
        return self.played

    def _first_version(self) -> None:
        mark = self.scene.mark()
        self._accepted(self.replayed.training, DropKind.DATA)
        self._see_training(mark)
        self._promote(mark, under_load=False)

    def _ask(self, happening: Happening) -> None:
        table = pq.read_table(_file(happening))
        runtime = self.scene.client("sagemaker-runtime")
        requests = send_all(runtime, self.scene.names.endpoint, table, ROWS_PER_REQUEST)
        self._captures.wait_for(requests)
        self.played.requests += requests
        self.played.asked[happening.period] = (happening.day, table.num_rows)
        self.scene.say(f"[bold]{happening.period}[/bold]: {table.num_rows:,} rows asked for")

    def _drop(self, happening: Happening) -> None:
        """A file that is refused is mended by its sender, and sent again."""
        answered = self._send(_file(happening), DropKind.DATA)
        if answered.kind != DROP_ACCEPTED and happening.mended is not None:
            self.scene.tell(answered)
            self._accepted(happening.mended, DropKind.DATA)

    def _tell_truth(self, happening: Happening) -> None:
        """Recovery answers to every truth that comes."""
        mark = self.scene.mark()
        self._accepted(_file(happening), DropKind.TRUTH)
        self.scene.wait("recovery's answer to the truth", lambda: self._answered("truth", mark), STEP_SECONDS)

    def _answered(self, cause: str, mark: int) -> bool:
        return any(entry.seq > mark and entry.data.get("cause") == cause for entry in self.scene.entries("retrain."))

    def _measure(self, happening: Happening) -> None:
        """The schedule has fired by the jump itself."""
        self.scene.wait("monitoring to begin", lambda: self._started("monitoring", happening.moment), STEP_SECONDS)
        self._rest("monitoring")
        self._await_alarms(self.scene.entries())
        self._rest()
        entries = self.scene.entries()
        fresh = [entry for entry in entries if entry.seq > self._seen]
        self._seen = entries[-1].seq
        measured = tuple(entry.subject for entry in fresh if entry.kind == WINDOW_MEASURED)
        judged = tuple(entry.subject for entry in fresh if entry.kind == QUALITY_MEASURED and entry.data["judged"])
        look = Look(happening.day, measured, judged, self._ringing())
        self.played.looks.append(look)
        for entry in fresh:
            if entry.kind.startswith(TOLD) and entry.data.get("judged", True):
                self.scene.tell(entry)
        self.scene.say(f"  {happening.day}: ringing {', '.join(sorted(look.ringing)) or 'nothing'}")

    def _await_alarms(self, entries: list[Entry]) -> None:
        """The alarms agree with the newest readings, or it is said that one does not."""
        champion = self.scene.ledger.state("champion") or {}
        rules = expected(entries, self._seen, int(champion["version"]), self.spec)
        until = time.monotonic() + ALARM_SECONDS
        while wrong := {kind for kind, rings in rules.items() if rings} ^ (self._ringing() & set(rules)):
            if time.monotonic() > until:
                self.scene.say(f"  against their readings: {', '.join(sorted(wrong))}", style="yellow")
                self.played.disagreed += len(wrong)
                return
            time.sleep(POLL_SECONDS)

    def _ringing(self) -> frozenset[str]:
        return ringing(CloudWatchAlarmReader(self.scene.client("cloudwatch")))

    # what follows ----------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """A training that was asked for is seen to its end, and what it registered is approved and rolled out.

        Raises DemoError when a state machine has failed: figures of a loop that is broken mean nothing.
        """
        for failed in self.scene.entries(MACHINE_FAILED):
            raise DemoError(f"{failed.data.get('summary')}: {failed.data.get('cause') or failed.subject}")
        asked = self.scene.entries(RETRAIN_REQUESTED)
        released = self.scene.entries(TRAINING_RELEASED)
        if not asked or (released and released[-1].seq > asked[-1].seq):
            self._resume()
            return
        self._timed("training", lambda: self._see_training(asked[-1].seq))
        self._timed("rollout", lambda: self._promote(asked[-1].seq, under_load=True))
        self._rest()
        self._follow()

    def _resume(self) -> None:
        """A person lets machines go on after they have given up."""
        entries = self.scene.entries("retrain.")
        if History(entries, self.scene.now(), timedelta()).given_up is not None:
            retraining.resumed(self.scene.stage, self.scene.model, "looked at: the data move, and the model stands")
            self.scene.tell(self.scene.wait_for_entry([RETRAIN_RESUMED], entries[-1].seq, STEP_SECONDS))
            self._rest()
            self._follow()

    def _see_training(self, mark: int) -> None:
        released = self.scene.wait_for_entry([TRAINING_RELEASED], mark, seconds=LONGEST_SECONDS)
        for entry in self.scene.entries():
            if mark < entry.seq <= released.seq and entry.kind in (CANDIDATE_JUDGED, CANDIDATE_REGISTERED):
                self.scene.tell(entry)

    def _promote(self, mark: int, *, under_load: bool) -> None:
        """What was registered since ``mark`` is approved by a person; nothing when nothing was."""
        registered = [entry for entry in self.scene.entries(CANDIDATE_REGISTERED) if entry.seq > mark]
        if not registered:
            return
        approved = rollouts.approve(self.scene, registered[-1].data["package_arn"])
        if under_load:
            with self._load() as load:
                rollout = rollouts.watch(self.scene, approved, load, seconds=LONGEST_SECONDS)
            self._captures.wait_for(load.sent)
            self.played.requests += load.sent
            self.played.failed += load.failed
        else:
            rollout = rollouts.watch(self.scene, approved, seconds=LONGEST_SECONDS)
        self.scene.say(f"version {rollout.version}: {rollout.outcome}")
        if not under_load and rollout.outcome != "Serving":
            raise DemoError(f"the first promotion ended in {rollout.outcome}")

    def _load(self) -> SteadyLoad:
        table = pq.read_table(self._load_file)
        return SteadyLoad(
            self.scene.client("sagemaker-runtime"), self.scene.names.endpoint, table, per_second=LOAD_PER_SECOND
        )

    # drops and waits -------------------------------------------------------------------------------------------------

    def _send(self, file: Path, kind: DropKind) -> Entry:
        mark = self.scene.mark()
        drops.upload(self.scene.stage, self.scene.model, file, kind)
        answered = self.scene.wait_for_entry(ACCEPTED_OR_NOT, mark, STEP_SECONDS)
        self._rest("intake")
        return answered

    def _accepted(self, file: Path, kind: DropKind) -> None:
        answered = self._send(file, kind)
        if answered.kind != DROP_ACCEPTED:
            raise DemoError(f"{file.name} was refused: {answered.data.get('summary')}")

    def _started(self, machine: str, moment: datetime) -> bool:
        """Whether an execution began at the set's moment or later."""
        due = self.clock.of_cloud(moment)
        return any(each["startDate"] >= due for each in self.scene.executions(machine, most=1))

    def _rest(self, *machines: str) -> None:
        """Nothing runs but trainings and promotions, or none of ``machines``; and nothing has begun for a while."""
        since, before = time.monotonic(), [""]

        def look() -> bool:
            nonlocal since, before
            newest = [each for machine in machines or SHORT_LIVED for each in self.scene.executions(machine, MOST)]
            seen = [each["executionArn"] for each in newest]
            if seen != before or any(each["status"] == "RUNNING" for each in newest):
                since, before = time.monotonic(), seen
                return False
            return time.monotonic() - since > (0 if machines else QUIET_SECONDS)

        self.scene.wait("rest", look, STEP_SECONDS)

    def _timed(self, what: str, do: Callable[[], Any]) -> None:
        began = time.monotonic()
        do()
        self.played.spent[what] = self.played.spent.get(what, 0.0) + time.monotonic() - began


def _file(happening: Happening) -> Path:
    if happening.file is None:
        raise DemoError(f"there is no file for {happening.deed} on {happening.day}")
    return happening.file
