"""User programs as child processes that cannot outlive the server (Linux)."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from localcloud.watcher import MARK, end_groups, end_marked, start_time

_HERE = Path(__file__).resolve().parent
_PYTHON = [sys.executable, "-I", "-S"]


@dataclass(frozen=True)
class Mounts:
    """What a program sees elsewhere than it is: tmpfs first, then binds (source, destination, read_only) in order.

    Sources are opened before anything is mounted, so a tmpfs may hide the folder that a source lies in.
    """

    binds: tuple[tuple[Path, str, bool], ...] = ()
    tmpfs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """Resource limits of one program, wide unless told otherwise; `processes` counts threads too, and only holds
    where there are namespaces. Nothing dumps core."""

    address_space_bytes: int = max(64 << 30, 4 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    file_size_bytes: int = 64 << 30
    open_files: int = 65_536
    processes: int = 4096


class Processes:
    """Starts and ends programs. Every fork happens in one thread that never ends: the kernel sends the parent's
    death signal when the forking thread ends, not the process."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "processes"
        self._folder.mkdir(parents=True, exist_ok=True)
        self.reaped = end_groups(str(self._folder))
        self._alive: dict[int, subprocess.Popen[Any]] = {}
        self._lock = threading.Lock()
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._fork_for_ever, name="processes", daemon=True).start()
        self._watcher = self._in_forking_thread(self._start_watcher)
        self.namespaces = False
        self.namespaces = self._can_make_namespaces()

    def spawn(
        self,
        argv: list[str],
        *,
        env: dict[str, str],
        cwd: Path,
        mounts: Mounts | None = None,
        stdin: int | IO[Any] = subprocess.DEVNULL,
        stdout: int | IO[Any] = subprocess.DEVNULL,
        stderr: int | IO[Any] = subprocess.STDOUT,
        pass_fds: tuple[int, ...] = (),
        nice: int = 0,
        limits: Limits | None = None,
    ) -> "subprocess.Popen[bytes]":
        """`argv` runs in a session of its own, with exactly `env`, in `cwd` as it is named inside `mounts`.

        Where there are namespaces it has one of its own even without mounts, by which its children are found.

        A program that cannot be started ends with status 127, one that cannot be isolated with 126, and says why on
        its standard error.
        """
        mounts = mounts or (Mounts() if self.namespaces else None)
        mark = f"localcloud-{uuid.uuid4().hex}"
        specification = json.dumps(_specification(self._folder, mark, cwd, mounts, nice, limits or Limits()))
        command = [*_PYTHON, str(_HERE / "launcher.py"), specification, *argv]

        def start() -> "subprocess.Popen[bytes]":
            process: subprocess.Popen[bytes] = subprocess.Popen(
                command,
                env=env,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=pass_fds,
                start_new_session=True,
            )
            self._register(process, mark)
            return process

        process: subprocess.Popen[bytes] = self._in_forking_thread(start)
        return process

    def kill(self, process: "subprocess.Popen[Any]", sig: int = signal.SIGKILL) -> None:
        """The whole process group has been sent `sig`; after SIGKILL the process is waited for."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sig)
        if sig == signal.SIGKILL:
            process.wait()
            self._forget(process.pid)

    def stop_all(self) -> None:
        """Nothing that was spawned is running."""
        with self._lock:
            processes = list(self._alive.values())
        for process in processes:
            self.kill(process)
        if self._watcher.stdin is not None:
            self._watcher.stdin.close()
        self._watcher.wait()

    def _in_forking_thread(self, action: Callable[[], Any]) -> Any:
        done: Future[Any] = Future()
        self._work.put((action, done))
        return done.result()

    def _fork_for_ever(self) -> None:
        while True:
            action, done = self._work.get()
            try:
                done.set_result(action())
            except BaseException as error:  # handed to the caller's thread, where it is raised
                done.set_exception(error)

    def _register(self, process: "subprocess.Popen[Any]", mark: str) -> None:
        (self._folder / f"{process.pid}{MARK}").write_text(mark)
        (self._folder / str(process.pid)).write_text(start_time(process.pid))
        with self._lock:
            ended = [one.pid for one in self._alive.values() if one.poll() is not None and _group_is_gone(one.pid)]
            self._alive[process.pid] = process
        for process_id in ended:
            self._forget(process_id)

    def _forget(self, process_id: int) -> None:
        with self._lock:
            self._alive.pop(process_id, None)
        end_marked(str(self._folder), process_id)
        (self._folder / str(process_id)).unlink(missing_ok=True)

    def _start_watcher(self) -> "subprocess.Popen[bytes]":
        command = [*_PYTHON, str(_HERE / "watcher.py"), str(self._folder)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def _can_make_namespaces(self) -> bool:
        process = self.spawn(["true"], env={"PATH": os.defpath}, cwd=Path("/"), mounts=Mounts(tmpfs=("/tmp",)))
        return process.wait() == 0


def _group_is_gone(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return True
    return False


def _specification(
    registry: Path, mark: str, cwd: Path, mounts: Mounts | None, nice: int, limits: Limits
) -> dict[str, Any]:
    return {
        "parent": os.getpid(),
        "cwd": str(cwd),
        "nice": nice,
        "limits": asdict(limits),
        "mounts": None
        if mounts is None
        else {
            "mark": mark,
            "registry": str(registry),
            "tmpfs": list(mounts.tmpfs),
            "binds": [[str(source), target, read_only] for source, target, read_only in mounts.binds],
        },
    }
