"""Sends records to artifacts, each in a process of its own, and reads what they answer."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trimtab.errors import DataError
from trimtab.evaluation.artifact import Artifact
from trimtab.evaluation.metrics import Floats

SCORER = Path(__file__).with_name("scorer.py")
TIMEOUT_S = 1800
GO = "go\n"
"""The line that tells a scorer that its requests stand ready."""
Record = dict[str, Any]


@dataclass(frozen=True)
class Answers:
    """What a model answered, in the order of the requests."""

    records: list[Record]
    latencies_ms: Floats
    """Single-row requests, shape (rows asked for,)."""

    @property
    def scores(self) -> Floats:
        """Shape (n,); NaN where the model gave none."""
        return np.array([_score(record) for record in self.records], dtype=np.float64)


def _score(record: Record) -> float:
    value = record.get("score")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


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
        records = [json.loads(line) for line in self.answers.read_text(encoding="utf-8").splitlines()]
        if len(records) != expected:
            raise DataError(f"the model answered {len(records)} of {expected} rows")
        return Answers(records, np.array(json.loads(output.splitlines()[-1]), dtype=np.float64))


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


def send(scoring: Scoring, blocks: Iterable[Sequence[Record]]) -> int:
    """The process scores the records of all blocks in their order; returns how many there are."""
    count = 0
    with scoring.requests.open("w", encoding="utf-8") as target:
        for block in blocks:
            target.writelines(json.dumps(record, allow_nan=False) + "\n" for record in block)
            count += len(block)
    if scoring.process.stdin and scoring.process.poll() is None:
        scoring.process.stdin.write(GO)
        scoring.process.stdin.flush()
    return count
