"""The CDK app. The only file that reads context: ``-c stage=dev -c models=flights -c architecture=arm64``."""

import sys
from pathlib import Path

from aws_cdk import App

sys.path.insert(0, str(Path(__file__).parent / "layers" / "runtime"))

from stacks.application import build
from stacks.stage import stage_named

app = App()
chosen = app.node.try_get_context("models") or ""
build(
    app,
    stage=stage_named(
        app.node.try_get_context("stage") or "dev",
        app.node.try_get_context("notifications"),
        app.node.try_get_context("captures_days"),
    ),
    models=[name for name in chosen.split(",") if name],
    architecture=app.node.try_get_context("architecture") or "x86_64",
)
app.synth()
