"""The gate on Parquet files of this machine, read by Spark with as many tasks as there are processors.

The report is the one that the gate gives when it reads the files itself, one after the other. Spark takes the columns
of all files from one of them, so files of different form are read apart; and what Spark cannot read the gate's own
reader looks at, which finds a damaged file or reads a type that Spark does not know.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from trimtab.data.reading import Reading
from trimtab.data.report import DropReport
from trimtab.data.sandbox import run
from trimtab.data.source import UNREADABLE
from trimtab.data.state_file import read_state, write_state
from trimtab.data.validate import Gate, Partial, conclude, examine
from trimtab.data.violation import Severity, Violation
from trimtab.lake.judge import looked_at, unordered, without_order

MEMORY_MB: Final = 1024
"""What reading one file may allocate where Spark does not do it."""
SECONDS: Final = 3600
FORM_SECONDS: Final = 60
"""For a footer."""


@dataclass(frozen=True)
class TableFile:
    """One file of a table and its name there."""

    name: str
    path: Path


def judge_files(session: Any, files: Sequence[TableFile], gate: Gate, found: Sequence[Violation] = ()) -> DropReport:
    """The report on a table of these files; ``found`` is what was known of them before."""
    asked = without_order(gate)
    with tempfile.TemporaryDirectory(prefix="lake-") as scratch:
        partials = list(_partials(session, files, asked, Path(scratch)))
        return conclude(partials, asked, (*found, *unordered(gate)))


def _partials(session: Any, files: Sequence[TableFile], gate: Gate, scratch: Path) -> Iterator[Partial]:
    first = 0
    for number, (form, alike) in enumerate(_by_form(files, tuple(gate.contract.columns)).items()):
        folder = scratch / str(number)
        folder.mkdir()
        read = _by_spark(session, alike, gate, folder, first) if form else None
        if read is None:
            read = [_by_ourselves(file, gate, folder / "state") for file in alike]
        yield from read
        first += len(read)


def _by_form(files: Sequence[TableFile], known: Sequence[str]) -> dict[str, list[TableFile]]:
    """The files by names and types of their columns; the form of those without any that is ``known`` is empty."""
    found: dict[str, list[TableFile]] = {}
    for file in files:
        outcome = run(_form, (file.path, known), memory_mb=MEMORY_MB, seconds=FORM_SECONDS)
        found.setdefault(str(outcome.value or ""), []).append(file)
    return found


def _form(path: Path, known: Sequence[str]) -> str:
    """Runs in the sandbox, as all that Arrow does here: no thread of its is alive when the next child is made."""
    try:
        schema = pq.read_schema(path)
    except UNREADABLE:
        return ""
    if not set(known) & set(schema.names):
        return ""
    return hashlib.sha256("\0".join(f"{field.name}\0{field.type}" for field in schema).encode()).hexdigest()


def _by_spark(session: Any, files: Sequence[TableFile], gate: Gate, folder: Path, first: int) -> list[Partial] | None:
    """What Spark's tasks have seen in files of one form; None when it cannot read them."""
    links = folder / "files"
    links.mkdir()
    for number, file in enumerate(files):  # Spark reads names as patterns
        (links / f"{number:06d}.parquet").symlink_to(file.path)
    states = folder / "states"
    states.mkdir()
    try:
        return looked_at(session.read.parquet(links.as_uri()), gate, states, first)
    except (PySparkException, Py4JError) as error:
        print(f"read without Spark: {str(error).strip().splitlines()[0]}", flush=True)
        return None


def _by_ourselves(file: TableFile, gate: Gate, state: Path) -> Partial:
    outcome = run(partial(_look, gate=gate, state=state), (file.path, file.name), memory_mb=MEMORY_MB, seconds=SECONDS)
    if outcome.failure is None:
        return Partial.of_state(read_state(state), gate)
    message = f"{file.name}: {outcome.failure}"
    return Partial(file.name, Reading("parquet"), failure=Violation("limits", None, message, Severity.REFUSE))


def _look(path: Path, name: str, *, gate: Gate, state: Path) -> None:
    with path.open("rb") as stream:
        write_state(state, examine(stream, "parquet", gate, name).state())
