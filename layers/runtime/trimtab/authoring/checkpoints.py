"""Checkpoints: what a job on spot capacity needs to go on where it was when its instance was taken away."""

import os
from collections.abc import Mapping
from pathlib import Path

CHECKPOINTS = "/opt/ml/checkpoints"
"""SageMaker copies this folder to S3 while the job runs, and back before a job that was interrupted starts again."""
VARIABLE = "TRIMTAB_CHECKPOINTS"
"""Environment of a job that keeps checkpoints: their folder."""


def checkpoint_folder(environment: Mapping[str, str] | None = None) -> Path | None:
    """The folder for checkpoints; None in a job that keeps none, for example a trial or a script run by hand."""
    named = (os.environ if environment is None else environment).get(VARIABLE)
    if named is None:
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def newest(folder: Path | None, pattern: str) -> Path | None:
    """The checkpoint whose name is the last in order; None before the first. Number them with leading zeros.

    Times would not do: a folder that came back from S3 has those of its download.
    """
    found = sorted(path for path in folder.glob(pattern) if not path.name.startswith(".")) if folder else []
    return found[-1] if found else None


def keep(folder: Path | None, name: str, body: bytes) -> None:
    """The checkpoint stands there whole or not at all, whenever the instance is taken away."""
    if folder is None:
        return
    unfinished = folder / f".{name}.part"
    unfinished.write_bytes(body)
    unfinished.replace(folder / name)
