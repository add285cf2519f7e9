"""Step 1: the local cloud starts, and the real cdk command deploys the app into it."""

import os
import subprocess
from pathlib import Path

from cli import local
from demo.scene import DemoError, Scene

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = "aws://123456789012/us-east-1"


def start_cloud(scene: Scene) -> None:
    """The local cloud answers, and this process's AWS clients talk to it."""
    status = local.start(scene.state_dir, port=0, speed=1, fresh=True)
    scene.running = True
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(local.environment(scene.state_dir))
    scene.say(f"local cloud at {status['endpoint']}; log in {scene.state_dir / 'server.log'}")
    for note in status["notes"]:
        scene.say(note, style="yellow")


def deploy(scene: Scene) -> None:
    """The app's stacks are deployed by the cdk command line, as to an account."""
    cdk(scene, "bootstrap", ENVIRONMENT, folder=scene.state_dir)
    scene.say("cdk bootstrap: done")
    cdk(scene, "deploy", "--all", "--require-approval", "never", "--concurrency", "4")
    stacks = scene.client("cloudformation").describe_stacks()["Stacks"]
    ours = [stack for stack in stacks if stack["StackName"].startswith("trimtab-")]
    resources = sum(_count(scene, stack["StackName"]) for stack in ours)
    scene.say(f"cdk deploy --all: {len(ours)} stacks, {resources} resources")


def _count(scene: Scene, stack: str) -> int:
    pages = scene.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return sum(len(page["StackResourceSummaries"]) for page in pages)


def cdk(scene: Scene, *arguments: str, folder: Path = ROOT) -> None:
    """The cdk command succeeded; its own output is shown with --verbose and when it failed.

    Outside the checkout there is no app, so that bootstrap does not synthesize it.
    """
    context = (f"models={scene.source or scene.model}", *scene.context)
    command = [str(ROOT / "node_modules/.bin/cdk"), *arguments, *(word for each in context for word in ("-c", each))]
    paths = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"
    environ = os.environ | {"PATH": paths, "CDK_VALIDATION": "false", "CI": "true"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdout=None if scene.verbose else subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "" if scene.verbose else "\n" + "\n".join((done.stdout or "").splitlines()[-40:])
        raise DemoError(f"cdk {arguments[0]} ended with status {done.returncode}{tail}")
