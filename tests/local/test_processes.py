"""Child processes: what they see, what they may, and that they end with the server."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.processes import Limits, Mounts, Processes

from .conftest import ROOT, wait_until

ENVIRONMENT = {"PATH": os.defpath}
PARENT = """["sh", "-c", "sleep 600 & echo $! && wait"]"""
SERVER = """
import sys, time
from pathlib import Path
from localcloud.processes import Processes
processes = Processes(Path(sys.argv[1]))
parent = ["sh", "-c", "sleep 600 & echo $! && wait"]
child = processes.spawn(parent, env={"PATH": "/usr/bin:/bin"}, cwd=Path("/"), stdout=1)
print("child", child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path / "state")
    yield made
    made.stop_all()


def output_of(processes: Processes, *argv: str, mounts: Mounts | None = None, limits: Limits | None = None) -> str:
    process = processes.spawn(
        list(argv), env=ENVIRONMENT, cwd=Path("/"), mounts=mounts, limits=limits, stdout=subprocess.PIPE
    )
    return process.communicate(timeout=20)[0].decode()


def test_a_program_gets_exactly_the_environment_it_was_given(processes: Processes) -> None:
    assert "HOME" not in output_of(processes, "env")


def test_a_program_sees_the_paths_that_were_bound_and_cannot_write_read_only_ones(
    processes: Processes, tmp_path: Path
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "handler.py").write_text("here")
    mounts = Mounts(binds=((code, "/var/task", True), (tmp_path, "/var/own", False)), tmpfs=("/var",))
    shown = output_of(
        processes, "sh", "-c", "cat /var/task/handler.py; touch /var/own/made; touch /var/task/x", mounts=mounts
    )
    assert shown.startswith("here")
    assert "Read-only file system" in shown
    assert (tmp_path / "made").exists()
    assert not Path("/var/task").exists()


def test_a_bind_of_one_file_replaces_it(processes: Processes, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 algo-1")
    mounts = Mounts(binds=((hosts, "/etc/hosts", True),))
    assert output_of(processes, "cat", "/etc/hosts", mounts=mounts) == "127.0.0.1 algo-1"


def test_no_mount_point_is_made_on_the_host(processes: Processes, tmp_path: Path) -> None:
    mounts = Mounts(binds=((tmp_path, "/made-up-place", True),))
    assert "not inside one of the tmpfs" in output_of(processes, "true", mounts=mounts)
    assert not Path("/made-up-place").exists()


def test_there_are_limits_for_everybody(processes: Processes) -> None:
    shown = output_of(processes, "sh", "-c", "ulimit -c; ulimit -f; ulimit -v; ulimit -n", mounts=Mounts()).split()
    assert shown[0] == "0"
    assert "unlimited" not in shown


def test_limits_hold(processes: Processes) -> None:
    shown = output_of(processes, "sh", "-c", "ulimit -n; ulimit -c", limits=Limits(open_files=77))
    assert shown.split() == ["77", "0"]


def test_a_program_that_does_not_exist_says_so(processes: Processes) -> None:
    assert "no-such-program could not be started" in output_of(processes, "no-such-program")


def test_kill_ends_the_whole_group(processes: Processes) -> None:
    process = processes.spawn(
        ["sh", "-c", "sleep 600 & echo $!; wait"], env=ENVIRONMENT, cwd=Path("/"), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    grandchild = int(process.stdout.readline())
    processes.kill(process)
    assert process.returncode == -signal.SIGKILL
    wait_until(lambda: is_gone(grandchild), 20)


RUNAWAY = ["sh", "-c", "setsid sh -c 'echo $$; exec sleep 600' & wait"]


def test_kill_ends_those_too_who_began_a_session_of_their_own(processes: Processes) -> None:
    process = processes.spawn(RUNAWAY, env=ENVIRONMENT, cwd=Path("/"), stdout=subprocess.PIPE)
    assert process.stdout is not None
    runaway = int(process.stdout.readline())
    assert os.getsid(runaway) != process.pid
    processes.kill(process)
    wait_until(lambda: is_gone(runaway), 20)


def test_nobody_is_killed_for_having_got_what_an_ended_program_had(processes: Processes) -> None:
    """The kernel gives the number of a namespace anew as soon as it is free."""
    for _ in range(5):
        ending = _spawned(processes, "cat", stdin=subprocess.PIPE)
        lasting = processes.spawn(["sleep", "600"], env=ENVIRONMENT, cwd=Path("/"))
        ending.communicate()
        _wait_until_it_runs(lasting, "sleep")
        _spawned(processes, "true").wait()
        assert lasting.poll() is None


def _spawned(processes: Processes, program: str, **more: Any) -> "subprocess.Popen[bytes]":
    process = processes.spawn([program], env=ENVIRONMENT, cwd=Path("/"), **more)
    _wait_until_it_runs(process, program)
    return process


def _wait_until_it_runs(process: "subprocess.Popen[bytes]", program: str) -> None:
    told = Path(f"/proc/{process.pid}/cmdline")
    wait_until(lambda: told.read_text().split("\0")[0] in (program, ""), 20)


def test_who_began_a_session_of_their_own_end_with_a_killed_server(tmp_path: Path) -> None:
    program = SERVER.replace(PARENT, repr(RUNAWAY))
    server = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert server.stdout is not None
    runaway = int(sorted(server.stdout.readline() for _ in range(2))[0])
    assert not is_gone(runaway)
    server.kill()
    server.wait(10)
    wait_until(lambda: is_gone(runaway), 20)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_children_and_grandchildren_end_with_a_killed_server(tmp_path: Path, number: signal.Signals) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert server.stdout is not None
    lines = sorted(server.stdout.readline().split() for _ in range(2))
    grandchild, child = int(lines[0][0]), int(lines[1][1])
    server.send_signal(number)
    server.wait(10)
    wait_until(lambda: is_gone(child) and is_gone(grandchild), 20)
    assert wait_until(lambda: not list((tmp_path / "processes").iterdir()), 20)


def test_a_program_ends_with_its_server_even_without_the_watcher(tmp_path: Path) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert server.stdout is not None
    lines = sorted(server.stdout.readline().split() for _ in range(2))
    for child in (int(pid) for task in Path(f"/proc/{server.pid}/task").iterdir() for pid in children_of(task)):
        if b"watcher.py" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(child, signal.SIGKILL)
    server.kill()
    server.wait(10)
    wait_until(lambda: is_gone(int(lines[1][1])), 20)
    assert Processes(tmp_path).reaped == [int(lines[1][1])]
    wait_until(lambda: is_gone(int(lines[0][0])), 20)


def children_of(task: Path) -> list[str]:
    return (task / "children").read_text().split()


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"
