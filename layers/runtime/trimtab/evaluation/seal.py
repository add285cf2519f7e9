"""What a model's code may not do while it is evaluated. Python only; run before that code is imported.

An audit hook (PEP 578) cannot be taken out again. It stops what Python code does: native code that a model brings
could go round it. The walls against that are the job's: no network (EnableNetworkIsolation), no credentials in the
environment of this process, and no label in what it is sent.
"""

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

NETWORK = frozenset({"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"})
PROGRAMS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn", "os.spawn"}
)
PATHS = frozenset(
    {"open", "os.listdir", "os.scandir", "os.link", "os.symlink", "os.rename", "os.remove", "shutil.copyfile"}
)


def seal(hidden: Iterable[str]) -> None:
    """From now on a network, another program, and files below ``hidden`` or of other processes are refused."""
    sys.addaudithook(watch(tuple(os.path.realpath(folder) for folder in hidden)))


def watch(hidden: tuple[str, ...]) -> Callable[[str, tuple[Any, ...]], None]:
    """The hook. It raises PermissionError, which ends the scoring with its words unless the model swallows it."""
    own = ("/proc/self", f"/proc/{os.getpid()}", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in NETWORK:
            raise PermissionError(f"a model may not use a network while it is evaluated ({event})")
        if event in PROGRAMS:
            raise PermissionError(f"a model may not start programs while it is evaluated ({event})")
        if event in PATHS:
            for path in arguments[:2]:
                _check(path, hidden, own)

    return hook


def _check(path: Any, hidden: tuple[str, ...], own: tuple[str, ...]) -> None:
    if not isinstance(path, str | bytes | os.PathLike):
        return
    found = os.path.realpath(os.fsdecode(path))
    if any(found == folder or found.startswith(folder + os.sep) for folder in hidden):
        raise PermissionError(f"a model may not read the job's inputs while it is evaluated ({found})")
    if found.startswith("/proc/") and not found.startswith(own):
        raise PermissionError(f"a model may not look at other processes while it is evaluated ({found})")
