"""How the sample models write their drops: the same rows give the same file, byte for byte."""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd


def write(rows: pd.DataFrame, path: Path) -> Path:
    """The rows stand there as Parquet."""
    rows.to_parquet(path, index=False, compression="zstd")
    return path


def arguments(
    description: str, parts: str, kind: Callable[[str], Any], default: tuple[Any, ...], explained: str
) -> argparse.ArgumentParser:
    """A command's arguments: the folder ``out``, and which ``parts`` (months, years) to write into it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("out", type=Path)
    parser.add_argument(parts, type=kind, nargs="*", default=default, help=f"default: {explained}")
    return parser


def write_all(out: Path, files: Iterable[Path]) -> None:
    """``files`` writes one after the other into the folder ``out``, which is made first; says how many there are."""
    out.mkdir(parents=True, exist_ok=True)
    print(f"{len(list(files))} files in {out}")
