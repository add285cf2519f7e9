"""Measures the gate beside the floor, and its peers beside both.

python -m benchmarks [--rows N] [--turns N] [--format parquet csv] [--large] [--peers [NAME ...]]
"""

import argparse
import os
import platform
import time
from statistics import median

from benchmarks.contenders import ENVIRONMENT, Files, imports
from benchmarks.environments import PEERS
from benchmarks.measure import Runs, in_turn

LARGE_ROWS = 10_000_000
BEYOND_READER_MEGABYTES = 64
"""What the gate may need beside the reader's own memory and 8 bytes a row of a unique column."""


def main() -> None:
    """The tables have been printed."""
    options = _options()
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, {platform.machine()}", end=", ")
    print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}; CPU seconds, median of {options.turns}")
    if options.peers is not None:
        print_peers(options.rows, options.peers or list(PEERS), options.turns)
        return
    for format in options.format:
        print_speed(Files.made(options.rows, format), options.turns)
    if options.large:
        print_speed(Files.made(LARGE_ROWS, "parquet"), 1)
    print_imports(options.turns)
    print_memory([options.rows // 10, options.rows, *([LARGE_ROWS] if options.large else [])])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="CPU of whole processes beside that of decoding the file.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--format", nargs="+", default=["parquet", "csv"], choices=["parquet", "csv"])
    parser.add_argument(
        "--large", action="store_true", help=f"{LARGE_ROWS:,} rows of Parquet, too: two files of 0.9 GB"
    )
    parser.add_argument(
        "--peers", nargs="*", default=None, choices=PEERS, metavar="NAME", help=f"only peers: {', '.join(PEERS)}"
    )
    return parser.parse_args()


def print_speed(files: Files, turns: int) -> None:
    """Cold and warm, of one file."""
    cold = in_turn(files.cold(), ENVIRONMENT, turns)
    _print_table(_title(files), cold)
    warm = in_turn(files.warm(), ENVIRONMENT, 1 if turns == 1 else max(turns // 2, 1))
    floor, gate = warm["floor"].last_seconds, warm["gate"].last_seconds
    ratio = median(mine / its for mine, its in zip(gate, floor, strict=True))
    print(f"{'warm: floor':<42}{median(floor):>8.2f}\n{'warm: gate':<42}{median(gate):>8.2f}{ratio:>9.2f}")


def print_peers(rows: int, names: list[str], turns: int) -> None:
    """The peers beside the floor and the gate, on Parquet."""
    files = Files.made(rows, "parquet")
    _print_table(_title(files), in_turn(files.pair() | dict(files.peers(names)), ENVIRONMENT, turns))


def print_imports(turns: int) -> None:
    """What importing costs beyond pyarrow's own."""
    found = in_turn(imports(), ENVIRONMENT, turns)
    base = next(iter(found.values()))
    print(f"\n{'import, whole process':<42}{'CPU ms':>8}{'beyond':>9}")
    for name, runs in found.items():
        beyond = median(mine - its for mine, its in zip(runs.seconds, base.seconds, strict=True))
        print(f"{name:<42}{median(runs.seconds) * 1000:>8.0f}{beyond * 1000:>9.0f}")


def print_memory(sizes: list[int]) -> None:
    """Peak memory by rows, and what may be needed."""
    print(f"\n{'peak MB, Parquet':<42}{'floor':>8}{'gate':>9}{'allowed':>9}")
    for rows in sizes:
        found = in_turn(Files.made(rows, "parquet").pair(), ENVIRONMENT, 1)
        floor, gate = (max(found[name].megabytes) for name in ("floor", "gate"))
        allowed = floor + BEYOND_READER_MEGABYTES + 8 * rows / 1e6
        print(f"{f'{rows:,} rows':<42}{floor:>8.0f}{gate:>9.0f}{allowed:>9.0f}")


def _title(files: Files) -> str:
    return f"{files.rows:,} rows as {files.format}, {files.current.stat().st_size / 1e6:.0f} MB"


def _print_table(title: str, found: dict[str, Runs]) -> None:
    print(f"\n{title:<42}{'CPU s':>8}{'x floor':>9}{'peak MB':>9}")
    for name, runs in found.items():
        if runs.failure:
            print(f"{name:<42}failed: {runs.failure}")
        else:
            ratio, memory = runs.over(found["floor"]), max(runs.megabytes)
            print(f"{name:<42}{median(runs.seconds):>8.2f}{ratio:>9.2f}{memory:>9.0f}")


if __name__ == "__main__":
    main()
