"""CPU seconds and peak memory of whole processes, taken in turn so that a slow spell of the machine hits all alike."""

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Command = Sequence[str]
LONGEST_SECONDS = 600.0


@dataclass
class Runs:
    """What the operating system counted for one command, run by run."""

    seconds: list[float] = field(default_factory=list)
    """CPU, user and system."""
    megabytes: list[float] = field(default_factory=list)
    """Peak resident memory."""
    answers: list[dict[str, Any]] = field(default_factory=list)
    """The last line that each run printed."""
    failure: str = ""

    def over(self, floor: "Runs") -> float:
        """Median of the ratios to the floor's run of the same turn."""
        return median(mine / its for mine, its in zip(self.seconds, floor.seconds, strict=True))

    @property
    def last_seconds(self) -> list[float]:
        """Of every run, the CPU of the last repetition within the process."""
        return [answer["seconds"][-1] for answer in self.answers]


def in_turn(
    commands: Mapping[str, Command],
    environment: Mapping[str, str],
    turns: int,
    longest_seconds: float = LONGEST_SECONDS,
) -> dict[str, Runs]:
    """Every command ``turns`` times, one after the other; one that fails or takes too long is not run again.

    With more than one turn there is another one before them that is not counted: it fills the caches.
    """
    found = {name: Runs() for name in commands}
    uncounted = int(turns > 1)
    for turn in range(turns + uncounted):
        for name, command in commands.items():
            if not found[name].failure:
                _run(command, environment, found[name], longest_seconds, counts=turn >= uncounted)
    return found


def _run(command: Command, environment: Mapping[str, str], runs: Runs, longest_seconds: float, *, counts: bool) -> None:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=errors)
        deadline = threading.Timer(longest_seconds, child.kill)
        deadline.start()
        _, status, usage = os.wait4(child.pid, 0)
        deadline.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        for file in (output, errors):
            file.seek(0)
        if child.returncode:
            lines = errors.read().decode(errors="replace").strip().splitlines()
            late = f"not done after {longest_seconds:.0f} s" if child.returncode < 0 else ""
            runs.failure = late or (lines[-1][:200] if lines else f"exit status {child.returncode}")
            return
        if counts:
            runs.seconds.append(usage.ru_utime + usage.ru_stime)
            runs.megabytes.append(usage.ru_maxrss / 1024)
            runs.answers.append(json.loads(output.read().decode().strip().splitlines()[-1]))
