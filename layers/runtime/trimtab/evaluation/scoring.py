"""Sends records to artifacts, each in a process of its own, and reads what they answer."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from trimtab.artifact.archive import Artifact
from trimtab.errors import DataError
from trimtab.evaluation.metrics import Floats

SCORER = Path(__file__).with_name("scorer.py")
TIMEOUT_S = 1800
GO = "go\n"
"""The line that tells a scorer that its requests stand ready."""
READ_BYTES: Final = 1024**2
NEWLINE: Final = 0x0A
DECODER: Final = json.JSONDecoder()
ENCODER: Final = json.JSONEncoder(allow_nan=False)
Record = dict[str, Any]


class Answers(Sequence[Record]):
    """What a model answered, in the order of the requests; read from its file when asked for, never held at once."""

    def __init__(self, path: Path, latencies_ms: Floats) -> None:
        self.latencies_ms = latencies_ms
        """Single-row requests, shape (rows asked for,)."""
        self._path = path
        self._ends = _line_ends(path)

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[Record]:
        with self._path.open("rb") as source:
            yield from map(_read, source)

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> list[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | list[Record]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        end = int(self._ends[place])
        start = int(self._ends[place - 1]) if place % len(self) else 0
        with self._path.open("rb") as source:
            source.seek(start)
            return _read(source.read(end - start))


def _line_ends(path: Path) -> NDArray[np.int64]:
    """Where each line's successor begins, shape (lines,); a last line without its end counts."""
    ends, at = [np.empty(0, np.int64)], 0
    with path.open("rb") as source:
        while chunk := source.read(READ_BYTES):
            ends.append(np.flatnonzero(np.frombuffer(chunk, np.uint8) == NEWLINE) + at + 1)
            at += len(chunk)
    found = np.concatenate(ends)
    return found if not at or (len(found) and found[-1] == at) else np.append(found, at)


def _read(line: bytes) -> Record:
    try:
        record = DECODER.decode(line.decode())
    except ValueError as error:
        raise DataError(f"the model answered what is not JSON: {line[:80]!r}") from error
    if not isinstance(record, dict):
        raise DataError(f"the model answered no JSON object: {line[:80]!r}")
    return record


@dataclass(frozen=True)
class Scoring:
    """A process that has loaded, or is loading, one artifact."""

    process: "subprocess.Popen[str]"
    requests: Path
    answers: Path

    def finish(self, expected: int) -> Answers:
        """The answers to the ``expected`` records that now stand in ``requests``.

        Raises DataError when the model failed or answered another number of rows.
        """
        try:
            output, errors = self.process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            raise DataError(f"the model did not score {expected} rows in {TIMEOUT_S} s") from error
        if self.process.returncode:
            raise DataError(f"the model could not score the hold-out: {errors.strip()[-1500:]}")
        found = Answers(self.answers, np.array(json.loads(output.splitlines()[-1]), dtype=np.float64))
        if len(found) != expected:
            raise DataError(f"the model answered {len(found)} of {expected} rows")
        return found


PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "PYTHONDONTWRITEBYTECODE")
"""What a model sees of the job's environment: no credentials, and nothing that tells where it runs."""


def start(artifact: Artifact, requests: Path, latency_rows: int, hidden: Sequence[Path] = ()) -> Scoring:
    """A process has begun to load the artifact with its own code; it scores what will stand in ``requests``.

    One thread, as in serving: candidate and champion run side by side. Files below ``hidden``, a network and other
    programs are out of its reach (seal.py).
    """
    answers = requests.with_suffix(".answers")
    argv = [sys.executable, "-P", str(SCORER), str(artifact.folder), str(requests), str(answers), str(latency_rows)]
    argv += map(str, hidden)
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=artifact.folder,
    )
    return Scoring(process, requests, answers)


def send(scoring: Scoring, blocks: Iterable[Sequence[Record | str]]) -> int:
    """The process scores the records of all blocks in their order; returns how many there are.

    A record may come as the line of JSON that it is.
    """
    count = 0
    with scoring.requests.open("w", encoding="utf-8") as target:
        for block in blocks:
            target.writelines(each if isinstance(each, str) else ENCODER.encode(each) + "\n" for each in block)
            count += len(block)
    if scoring.process.stdin and scoring.process.poll() is None:
        scoring.process.stdin.write(GO)
        scoring.process.stdin.flush()
    return count
