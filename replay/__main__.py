"""Plays one set and prints what its alarms and retrainings were worth."""

import argparse
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import yaml

from cli import local
from cli.stage import CommandError
from demo import deployment
from demo.scene import DemoError, Scene, console
from replay import alarms, notices, page
from replay.cloud_time import CloudTime
from replay.happenings import Replayed
from replay.player import Played, Player
from replay.reckoning import Evidence, reckon
from replay.sets import MODELS, SETS
from replay.worth import worths
from trimtab.aws.alarm_reader import CloudWatchAlarmReader
from trimtab.ledger.kinds import WINDOW_MEASURED
from trimtab.spec import Spec, load_spec_file

STATE = Path(".trimtab")


def main() -> int:
    options = _options()
    scene = Scene(model=options.set, state_dir=STATE / f"replay-{options.set}", verbose=options.verbose)
    try:
        play(scene, short=options.short, write=options.write)
    except (DemoError, CommandError) as error:
        console.print(f"\n[bold red]The replay stopped:[/bold red] {error}")
        console.print(f"The local cloud's log: {scene.state_dir / 'server.log'}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if scene.running and not options.keep:
            local.stop(scene.state_dir)
    return 0


def play(scene: Scene, *, short: bool, write: bool) -> None:
    """The set has been played from its first day to its last."""
    make, whole, few = SETS[scene.model]
    deployment.start_cloud(scene)
    folder = scene.state_dir / "set"
    folder.mkdir(exist_ok=True)
    replayed = make(folder, few if short else whole)
    scene.source = str(prepare(replayed, scene.state_dir))
    spec = load_spec_file(Path(scene.source) / "model.yaml")
    scene.context = (f"captures_days={max(365, spec.monitoring.windows.truth_days)}",)
    clock = CloudTime.beginning(scene, replayed.starts)
    deployment.deploy(scene)
    notices.subscribe(scene)
    played = Player(scene, spec, replayed, clock).play()
    text = reckoned(scene, spec, replayed, played, clock)
    console.print(f"\n{text}\n", markup=False)
    if write:
        page.write(scene.model, text)


def reckoned(scene: Scene, spec: Spec, replayed: Replayed, played: Played, clock: CloudTime) -> str:
    """The replay's figures, from the ledger, the windows, and what people were told."""
    entries = scene.entries()
    windows = [entry for entry in entries if entry.kind == WINDOW_MEASURED]
    found = list(worths(scene.stage, spec, replayed, windows, scene.state_dir))
    reader = CloudWatchAlarmReader(scene.client("cloudwatch"))
    left = Evidence(entries, played, found, alarms.went_off(reader), clock, notices.received(scene))
    return page.section(replayed, spec, played, reckon(left, spec), datetime.now(UTC).date())


def prepare(replayed: Replayed, state_dir: Path) -> Path:
    """A copy of the model as its author wrote it, but for what the replay changes."""
    folder = state_dir / replayed.model
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(MODELS / replayed.model, folder)
    path = folder / "model.yaml"
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    replayed.change(spec)
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return folder


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make replay", description=__doc__)
    parser.add_argument("set", choices=sorted(SETS))
    parser.add_argument("--short", action="store_true", help="only the first deliveries")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/monitoring-replays.md")
    parser.add_argument("--keep", action="store_true", help="leave the cloud running for exploring")
    parser.add_argument("-v", "--verbose", action="store_true", help="show cdk's own output")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
