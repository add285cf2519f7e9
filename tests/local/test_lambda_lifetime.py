"""Processes of functions end with the server, however it ends."""

import json
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from .conftest import start_local_cloud
from .lambda_support import WHO, Bench, make_bench

BUSY = (
    "import os, subprocess, time\n"
    "def handler(event, context):\n"
    "    child = subprocess.Popen(['sleep', '600'])\n"
    "    open('/tmp/started', 'w').close()\n"
    "    time.sleep(600)\n"
)


def function_processes(bench: Bench) -> list[int]:
    """The processes that this cloud has started, by its own records."""
    return [int(path.name) for path in (bench.cloud.state_dir / "processes").iterdir() if path.name.isdigit()]


def invoke_and_lose_the_answer(bench: Bench, name: str) -> None:
    try:
        bench.api.invoke(FunctionName=name, Payload=json.dumps(None))
    except (BotoCoreError, ClientError, OSError):
        return


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_idle_and_running_functions_end_with_the_server(
    tmp_path: Path, number: signal.Signals, eventually: Callable[..., Any]
) -> None:
    running, process = start_local_cloud(tmp_path)
    try:
        bench = make_bench(running)
        idle = bench.invoke(bench.function(WHO)).value
        busy = bench.function(BUSY, Timeout=60)
        threading.Thread(target=invoke_and_lose_the_answer, args=(bench, busy), daemon=True).start()
        environments = running.state_dir / "lambda" / "environments"
        eventually(lambda: list(environments.glob("*/started")), 60)
        processes = function_processes(bench)
        assert idle in processes
        process.send_signal(number)
        eventually(lambda: not any(Path(f"/proc/{one}").exists() for one in processes), 30)
        eventually(lambda: not sleepers_below(processes), 30)
    finally:
        process.kill()
        process.wait(10)


def sleepers_below(groups: list[int]) -> list[str]:
    """Processes of these groups that still exist."""
    listed = subprocess.run(["ps", "-eo", "pgid=,pid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [pid for group, pid, state in rows if int(group) in groups and not state.startswith("Z")]
