"""Runs the demo: every step prints what happened; a step that fails says why and the exit status is 1."""

import argparse
import sys
from pathlib import Path

from cli import local
from cli.stage import CommandError
from demo import deployment, report, story
from demo.scene import DemoError, Scene, console

STATE = Path(".trimtab/demo")


def main() -> int:
    options = _options()
    scene = Scene(model="flights", state_dir=STATE, verbose=options.verbose)
    try:
        play(scene)
    except (DemoError, CommandError) as error:
        console.print(f"\n[bold red]The demo stopped:[/bold red] {error}")
        console.print(f"The local cloud's log: {scene.state_dir / 'server.log'}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        _finish(scene, options.keep)
    return 0


def play(scene: Scene) -> None:
    """The eight steps of the loop."""
    scene.title("1. A cloud on this laptop")
    deployment.start_cloud(scene)
    deployment.deploy(scene)
    telling = story.Story(scene)
    telling.first_model()
    telling.first_approval()
    telling.bad_drops()
    telling.months_pass()
    telling.broken_successor()
    scene.title("8. What happened")
    report.tell(telling)


def _finish(scene: Scene, keep: bool) -> None:
    """What this demo started is stopped, unless it is to be kept; another demo's cloud is left alone."""
    if not scene.running:
        return
    if keep:
        console.print('The cloud is still up: eval "$(bin/trimtab local env --state-dir .trimtab/demo)"; stop it with:')
        console.print("bin/trimtab local down --state-dir .trimtab/demo")
        return
    local.stop(scene.state_dir)
    scene.say("local cloud stopped")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the cloud running for exploring")
    parser.add_argument("-v", "--verbose", action="store_true", help="show cdk's own output")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
