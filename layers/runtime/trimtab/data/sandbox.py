"""Work on untrusted bytes in a child process with limits on memory and time.

The child is forked, so what the parent has imported is there at once, and answers through a pipe (AWS Lambda has no
/dev/shm, which multiprocessing's queues need). Nothing that the child did to its memory reaches the parent but one
JSON value. Let the parent import pyarrow and only children use it, so that no worker thread is alive when it forks; the
threads that the imports themselves leave (OpenBLAS's and jemalloc's) stop and start again in handlers of their own.
"""

import json
import os
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Never

from trimtab.errors import SpecError

_PAGE_BYTES: Final = resource.getpagesize()
_ANSWERED, _OUT_OF_MEMORY, _FAILED = 0, 3, 4
_PASSED_ON: Final[dict[str, type[Exception]]] = {SpecError.__name__: SpecError}
"""Errors that are nobody's file's fault: raised again in the parent."""


@dataclass(frozen=True)
class Outcome:
    """What became of the child: a value, or the reason why there is none."""

    value: Any = None
    failure: str | None = None


def run(
    func: Callable[..., Any], args: tuple[Any, ...], *, memory_mb: int, seconds: float, trace: bool = True
) -> Outcome:
    """The JSON value that ``func(*args)`` returns in a child process, or why it gave none.

    ``memory_mb`` is what the child may allocate beyond what the parent already holds, ``seconds`` is wall time. A
    child that crashes, runs out of either, or raises is a failure in the outcome; only SpecError is raised again.
    ``trace`` says whether the stack of what it raised goes to the log.
    """
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = _fork()
    if child == 0:
        os.close(reader)
        _work(writer, func, args, memory_mb, seconds, trace=trace)
    os.close(writer)
    with os.fdopen(reader, "rb") as answers:
        answer = answers.read()
    _, status = os.waitpid(child, 0)
    return _outcome(answer, os.waitstatus_to_exitcode(status), memory_mb, seconds)


def _fork() -> int:
    with warnings.catch_warnings():  # Python 3.12 warns of any second thread, also of those that mind forks
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _outcome(answer: bytes, code: int, memory_mb: int, seconds: float) -> Outcome:
    if code == _ANSWERED:
        return Outcome(json.loads(answer))
    if code == _FAILED:
        name, _, message = answer.decode(errors="replace").partition("\n")
        if name in _PASSED_ON:
            raise _PASSED_ON[name](message)
        return Outcome(failure=f"reading it failed with {name}: {message}")
    if code == -signal.SIGALRM:
        return Outcome(failure=f"reading it took longer than {seconds:g} seconds")
    if code in (_OUT_OF_MEMORY, -signal.SIGKILL):
        return Outcome(failure=f"reading it takes more than {memory_mb} MB of memory")
    return Outcome(failure=f"reading it crashed the reader ({_name(code)})")


def _name(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _work(
    writer: int, func: Callable[..., Any], args: tuple[Any, ...], memory_mb: int, seconds: float, *, trace: bool
) -> Never:
    """The child's whole life. It leaves by os._exit, so nothing of the parent's is flushed or closed twice."""
    code, answer = _FAILED, b""
    try:
        _limit(memory_mb, seconds)
        answer = json.dumps(func(*args)).encode()
        code = _ANSWERED
    except MemoryError:
        code = _OUT_OF_MEMORY
    except BaseException as error:
        if trace:
            traceback.print_exc()
        answer = f"{type(error).__name__}\n{error}".encode(errors="replace")
    finally:
        _leave(writer, answer, code)


def _leave(writer: int, answer: bytes, code: int) -> Never:
    try:
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(answer)
        sys.stderr.flush()
    except OSError:
        code = _FAILED
    os._exit(code)


def _limit(memory_mb: int, seconds: float) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _data_bytes() + memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _data_bytes() -> int:
    """Private writable memory that this process has already mapped (Linux counts the same against RLIMIT_DATA)."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[5]) * _PAGE_BYTES
