"""Checkpoints: what a job on spot capacity needs to go on where it was when its instance was taken away."""

import os
from pathlib import Path

CHECKPOINTS = Path("/opt/ml/checkpoints")
"""SageMaker copies this folder to S3 while the job runs, and back before a job that was interrupted starts again."""


def checkpoint_folder(default: Path = CHECKPOINTS) -> Path | None:
    """The folder for checkpoints; None in a job that keeps none, for example a trial or a script run by hand."""
    return default if default.is_dir() and os.access(default, os.W_OK) else None


def newest(folder: Path | None, pattern: str) -> Path | None:
    """The checkpoint that was written last; None before the first. Files whose writing was cut off do not count."""
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime_ns) if folder else []
    return found[-1] if found else None


def keep(folder: Path | None, name: str, body: bytes) -> None:
    """The checkpoint stands there whole or not at all, whenever the instance is taken away."""
    if folder is None:
        return
    unfinished = folder / f".{name}.part"
    unfinished.write_bytes(body)
    unfinished.replace(folder / name)
