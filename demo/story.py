"""The plot: what people do, and what Trimtab answers. Nothing here decides; it drops, approves, asks and looks."""

from pathlib import Path

from cli import drops
from demo import broken, rollouts
from demo.months import ACCEPTED_OR_NOT, Months
from demo.scene import DemoError, Scene
from models.flights import data as flights
from trimtab.contracts import DropKind
from trimtab.ledger.kinds import (
    CANDIDATE_REGISTERED,
    DROP_ACCEPTED,
    DROP_DUPLICATE,
    DROP_QUARANTINED,
    TRAINING_RELEASED,
)
from trimtab.ports import Entry
from trimtab.telemetry import Metric

DATA = Path(".cache/flights")
SPEED = 60.0
"""Virtual seconds for one real second: a ten-minute bake is watched in ten."""


class Story:
    """The demo's steps after the deployment."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        DATA.mkdir(parents=True, exist_ok=True)
        self._table = flights.flights()
        self._training = flights.write_training(self._table, DATA)
        self.months = Months(scene, self._table, DATA)
        self.rollouts: list[rollouts.Rollout] = []

    def first_model(self) -> None:
        """Step 2: labelled data come, and a first version waits for approval."""
        scene = self.scene
        scene.title("2. January and February are dropped")
        scene.set_speed(SPEED)
        accepted = self._drop(self._training)
        if accepted.kind != DROP_ACCEPTED:
            raise DemoError(f"{self._training.name} was refused: {accepted.data.get('summary')}")
        released = scene.wait_for_entry([TRAINING_RELEASED], accepted.seq, seconds=180)
        for entry in scene.entries():
            if accepted.seq < entry.seq <= released.seq:
                scene.tell(entry)
        if not scene.entries(CANDIDATE_REGISTERED):
            raise DemoError(f"no candidate was registered: {released.data.get('summary')}")

    def first_approval(self) -> None:
        """Step 3: a person approves, and version 1 serves."""
        scene = self.scene
        scene.title("3. A person approves version 1")
        registered = scene.entries(CANDIDATE_REGISTERED)[-1]
        rollout = rollouts.watch(scene, rollouts.approve(scene, registered.data["package_arn"]))
        if rollout.outcome != "Serving":
            raise DemoError(f"the first promotion ended in {rollout.outcome}")
        endpoint = rollouts.described(scene) or {}
        scene.say(f"{endpoint['EndpointName']} is {endpoint['EndpointStatus']} on {endpoint['EndpointConfigName']}")

    def bad_drops(self) -> None:
        """Step 4: a repeated and a broken file change nothing."""
        scene = self.scene
        scene.title("4. The same file again, and a broken one")
        trained = len(scene.executions("training"))
        again = self._training.with_name("again.parquet")
        again.write_bytes(self._training.read_bytes())
        self._expect(self._drop(again), DROP_DUPLICATE)
        truncated = self._training.with_name("truncated.parquet")
        truncated.write_bytes(self._training.read_bytes()[:-2000])
        refused = self._drop(truncated)
        self._expect(refused, DROP_QUARANTINED)
        for name in ("reason_uri", "copy_uri"):
            scene.say(f"    {name}: {refused.data[name]}")
        if len(scene.executions("training")) != trained:
            raise DemoError("a refused or repeated drop started a training")
        scene.say("nothing else started")

    def months_pass(self) -> None:
        """Steps 5 and 6: the year goes on."""
        self.scene.title("5. Month after month: requests, late truth, drift, retraining")
        for number in flights.DROP_MONTHS:
            self.months.play(number)
        self.months.measure(self.scene.mark())
        self.rollouts += self.months.rollouts
        if not any(Metric.PSI_MAX.value in month.alarms for month in self.months.seen):
            raise DemoError("the alarm on drift did not ring all year")
        if not self.months.rollouts:
            raise DemoError("no challenger beat the champion all year")

    def broken_successor(self) -> None:
        """Step 7: a version that fails in production is approved, and traffic returns by itself."""
        scene = self.scene
        scene.title("7. A broken successor is approved on purpose")
        before = rollouts.served_config(scene)
        champion = scene.ledger.state("champion") or {}
        package = broken.register(scene.stage, scene.model, int(champion["version"]), scene.state_dir)
        scene.say(f"a colleague registered version {package.version}: it answers 500 to columns beyond the contract")
        with self.months.load() as load:
            rollout = rollouts.watch(scene, rollouts.approve(scene, package.arn), load)
        rollout.sent, rollout.failed = load.sent, load.failed
        self.rollouts.append(rollout)
        endpoint = rollouts.described(scene) or {}
        scene.say(f"{load.sent} requests, {load.failed} failed; the endpoint says {endpoint['EndpointStatus']}")
        if rollout.outcome != "RolledBack" or endpoint["EndpointConfigName"] != before:
            raise DemoError(f"expected a rollback to {before}: {rollout.outcome}, {endpoint['EndpointConfigName']}")
        scene.say(f"rolled back by itself: {before} serves again")

    def _drop(self, file: Path) -> Entry:
        mark = self.scene.mark()
        self.scene.say(f"dropped {drops.upload(self.scene.stage, self.scene.model, file, DropKind.DATA)}")
        answered = self.scene.wait_for_entry([*ACCEPTED_OR_NOT, DROP_DUPLICATE], mark)
        self.scene.tell(answered)
        return answered

    def _expect(self, entry: Entry, kind: str) -> None:
        if entry.kind != kind:
            raise DemoError(f"expected {kind}, found {entry.kind}: {entry.data.get('summary')}")
