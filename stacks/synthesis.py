"""The app synthesized from Python, with the same context that the ``cdk`` command reads from cdk.json."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aws_cdk import App

from stacks.application import build
from stacks.packaging import ROOT
from stacks.stage import stage_named

Template = dict[str, Any]


def synthesize(
    folder: Path, *, stage: str = "dev", models: Sequence[str] = (), architecture: str = "x86_64"
) -> dict[str, Template]:
    """Templates by stack name; the cloud assembly lies in ``folder``."""
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    app = App(outdir=str(folder), context=context)
    build(app, stage=stage_named(stage), models=models, architecture=architecture)
    app.synth()
    return read_templates(folder)


def read_templates(folder: Path) -> dict[str, Template]:
    """Templates of a cloud assembly by stack name."""
    ending = ".template.json"
    return {
        path.name.removesuffix(ending): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob(f"*{ending}"))
    }
