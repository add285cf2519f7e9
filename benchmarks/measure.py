"""CPU seconds and peak memory of whole processes, taken in turn so that a slow spell of the machine hits all alike."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Command = Sequence[str]


@dataclass
class Runs:
    """What the operating system counted for one command, run by run."""

    seconds: list[float] = field(default_factory=list)
    """CPU, user and system."""
    megabytes: list[float] = field(default_factory=list)
    """Peak resident memory."""
    answer: dict[str, Any] = field(default_factory=dict)
    failure: str = ""

    def over(self, floor: "Runs") -> float:
        """Median of the ratios to the floor's run of the same turn."""
        return median(mine / its for mine, its in zip(self.seconds, floor.seconds, strict=True))


def in_turn(commands: Mapping[str, Command], environment: Mapping[str, str], turns: int) -> dict[str, Runs]:
    """Every command ``turns`` times, one after the other, after a first turn that is not counted."""
    found = {name: Runs() for name in commands}
    for turn in range(turns + 1):
        for name, command in commands.items():
            if not found[name].failure:
                _run(command, environment, found[name], counts=turn > 0)
    return found


def _run(command: Command, environment: Mapping[str, str], runs: Runs, *, counts: bool) -> None:
    child = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = child.stdout, child.stderr
    assert output is not None
    assert errors is not None
    text = output.read().decode()
    complaint = errors.read().decode(errors="replace")
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        lines = complaint.strip().splitlines() or [f"exit status {child.returncode}"]
        runs.failure = lines[-1][:200]
        return
    if counts:
        runs.seconds.append(usage.ru_utime + usage.ru_stime)
        runs.megabytes.append(usage.ru_maxrss / 1024)
    runs.answer = json.loads(text.strip().splitlines()[-1])
