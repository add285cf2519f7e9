"""What is run on a table: the floor, the gate, and the peers."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import CACHE, ROOT, NotInstallable, function_python, peer_python, pinned
from benchmarks.measure import Command

HERE = Path(__file__).parent
TABLES = CACHE / "tables"
ENVIRONMENT = {
    "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'runtime'}",
    "PYTHONPYCACHEPREFIX": str(CACHE / "bytecode"),
    "PYTHONDONTWRITEBYTECODE": "",
    "OMP_NUM_THREADS": "1",
}
"""Of every process: bytecode is kept, as it is in a Lambda layer."""
WARM = 3
"""Repetitions within one process; the last is taken as warm."""


@dataclass(frozen=True)
class Files:
    """The two tables of one size and the profile of the reference."""

    rows: int
    format: str

    @classmethod
    def made(cls, rows: int, format: str) -> "Files":
        """They stand in the cache."""
        files = cls(rows, format)
        _complete([sys.executable, "-m", "benchmarks.tables", str(TABLES), str(rows), format])
        if not files.profile.exists():
            _complete([*_way("gate"), str(files.reference), str(files.profile)])
        return files

    @property
    def current(self) -> Path:
        """The table that is judged."""
        return TABLES / f"current_{self.rows}.{self.format}"

    @property
    def reference(self) -> Path:
        """The table that drift is measured against."""
        return TABLES / f"reference_{self.rows}.{self.format}"

    @property
    def profile(self) -> Path:
        """What the gate keeps of the reference."""
        return TABLES / f"profile_{self.rows}.{self.format}.json"

    def cold(self) -> dict[str, Command]:
        """Whole processes: the floor and the gate; its contract is of plain objects, or from a spec by pydantic."""
        gate = [*_way("gate"), str(self.current), str(self.profile)]
        return {
            "floor": [*_way("floor"), str(self.current)],
            "gate": gate,
            "gate, contract from the spec": [*gate, "--spec"],
            "gate with NumPy's kernel": [*gate, "--numpy"],
        }

    def pair(self) -> dict[str, Command]:
        """Only the floor and the gate, as whole processes."""
        return {name: command for name, command in self.cold().items() if name in ("floor", "gate")}

    def warm(self) -> dict[str, Command]:
        """The same several times in one process."""
        return {name: [*command, str(WARM)] for name, command in self.pair().items()}

    def peers(self, names: list[str]) -> Iterator[tuple[str, Command]]:
        """The peers that install here; of the others a line is printed."""
        for name in names:
            try:
                python = peer_python(name)
            except NotInstallable as error:
                print(f"{pinned(name)}: cannot be installed here: {error}")
                continue
            yield pinned(name), [str(python), str(HERE / "peers" / f"run_{name}.py"), *self._both()]

    def _both(self) -> tuple[str, str]:
        return str(self.current), str(self.reference)


def imports() -> dict[str, Command]:
    """Processes that only import."""
    answer = "; print('{}')"
    return {
        name: [str(function_python()), "-c", f"import {modules}{answer}"]
        for name, modules in {
            "pyarrow.parquet": "pyarrow.parquet",
            "the gate's core": "trimtab.data.validate",
            "and pyarrow.parquet": "trimtab.data.validate, pyarrow.parquet",
            "the core and the spec with pydantic": "trimtab.data.validate, trimtab.spec",
        }.items()
    }


def _way(name: str) -> list[str]:
    return [str(function_python()), str(HERE / "ways" / f"{name}.py")]


def _complete(command: Command) -> None:
    """In a process of its own: the system counts the memory of this one, when it starts another, as the other's."""
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **ENVIRONMENT})
