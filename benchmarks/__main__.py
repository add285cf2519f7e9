"""Measures the gate beside the floor, and its peers beside both.

python -m benchmarks [--rows N ...] [--format parquet csv] [--turns N] [--peers [NAME ...]]
"""

import argparse
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.environments import CACHE, PEERS, ROOT, function_python, peer_python
from benchmarks.measure import Command, Runs, in_turn
from benchmarks.tables import write

HERE = Path(__file__).parent
ENVIRONMENT = {
    "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'runtime'}",
    "PYTHONPYCACHEPREFIX": str(CACHE / "bytecode"),
    "PYTHONDONTWRITEBYTECODE": "",
    "OMP_NUM_THREADS": "1",
}
"""Of every process: bytecode is kept, as it is in a Lambda layer."""
WARM = 4
"""Repetitions within one process; the last is taken as warm."""


def main() -> None:
    """Prints one table per file."""
    parser = argparse.ArgumentParser(description="CPU of whole processes beside that of decoding the file.")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--format", nargs="+", default=["parquet", "csv"], choices=["parquet", "csv"])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument(
        "--peers", nargs="*", default=None, metavar="NAME", help=f"of {', '.join(PEERS)}; all when none"
    )
    options = parser.parse_args()
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for format in options.format:
        for rows in options.rows:
            measure(rows, format, options.turns, options.peers)


def measure(rows: int, format: str, turns: int, peers: list[str] | None) -> None:
    """The table of one file."""
    write(CACHE / "tables", rows, format)
    table = CACHE / "tables" / f"current_{rows}.{format}"
    commands = dict(own_ways(rows, format))
    if peers is not None:
        commands |= dict(peer_ways(peers or list(PEERS), rows, format))
    print(f"\n{rows:,} rows of 20 columns as {format}, {table.stat().st_size / 1e6:.0f} MB, median of {turns}")
    print(f"{'way':<34}{'CPU s':>8}{'x floor':>9}{'peak MB':>9}")
    found = in_turn(commands, ENVIRONMENT, turns)
    for name, runs in found.items():
        print(line(name, runs, found["floor"]))
    print_warm(found)


def own_ways(rows: int, format: str) -> dict[str, Command]:
    """The floor, the gate, and what their imports cost alone."""
    python, tables = str(function_python()), CACHE / "tables"
    current, profile = str(tables / f"current_{rows}.{format}"), str(tables / f"profile_{rows}.{format}.json")
    gate, floor = [python, str(HERE / "ways" / "gate.py")], [python, str(HERE / "ways" / "floor.py")]
    reference = [*gate, str(tables / f"reference_{rows}.{format}"), profile]
    if not Path(profile).exists():
        subprocess.run(reference, check=True, capture_output=True, env={**os.environ, **ENVIRONMENT})
    module = "csv" if format == "csv" else "parquet"
    return {
        "floor": [*floor, current],
        "gate": [*gate, current, profile],
        "gate, contract from the spec": [*gate, current, profile, "--spec"],
        "import of the floor": [python, "-c", f"import pyarrow.{module}; print('{{}}')"],
        "import of the gate": [python, "-c", f"import pyarrow.{module}, trimtab.data.validate; print('{{}}')"],
        "floor, warm": [*floor, current, str(WARM)],
        "gate, warm": [*gate, current, profile, str(WARM)],
    }


def peer_ways(names: list[str], rows: int, format: str) -> Iterator[tuple[str, Command]]:
    """The peers that install here."""
    tables = CACHE / "tables"
    for name in names:
        try:
            python = peer_python(name)
        except subprocess.CalledProcessError as error:
            print(f"{name}: does not install here: {error.stderr.strip().splitlines()[-1][:120]}")
            continue
        files = [str(tables / f"{table}_{rows}.{format}") for table in ("current", "reference")]
        yield name, [str(python), str(HERE / "peers" / f"run_{name}.py"), *files]


def line(name: str, runs: Runs, floor: Runs) -> str:
    """One row of the table."""
    if runs.failure or not runs.seconds:
        return f"{name:<34} failed: {runs.failure}"
    seconds, memory = sorted(runs.seconds)[len(runs.seconds) // 2], max(runs.megabytes)
    return f"{name:<34}{seconds:>8.2f}{runs.over(floor):>9.2f}{memory:>9.0f}"


def print_warm(found: dict[str, Runs]) -> None:
    """The last repetition within one process, of the last run of each."""
    floor, gate = (found[f"{name}, warm"].answer.get("seconds", [0.0])[-1] for name in ("floor", "gate"))
    if floor:
        print(f"warm, in one process: floor {floor:.2f} s, gate {gate:.2f} s, {gate / floor:.2f} x")


if __name__ == "__main__":
    main()
