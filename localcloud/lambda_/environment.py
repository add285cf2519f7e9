"""One execution environment: a process with AWS's runtime client, driven by the thread that runs an request.

Between invocations the process is stopped (SIGSTOP), so nothing has to read its pipes then.
"""

import os
import selectors
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from subprocess import Popen
from typing import IO

from localcloud.lambda_.log_reader import FrameReader, LineReader, LogEvent
from localcloud.lambda_.memory import Memory, memory_of
from localcloud.lambda_.outcome import RESPONSE_LIMIT_BYTES, Ending, Measurements, Result
from localcloud.lambda_.runtime_api import Call, Connection, RuntimeApi
from localcloud.lambda_.trace import Trace
from localcloud.processes import Processes

INIT_SECONDS = 10.0
_POLL_SECONDS = 0.05
_READ_BYTES = 256 * 1024
_TOO_LARGE = b'{"errorType":"Function.ResponseSizeTooLarge"}'


@dataclass(frozen=True)
class Request:
    """One event for a function; `resource` is what was invoked: function, or function:qualifier."""

    payload: bytes
    arn: str
    resource: str
    request_id: str
    trace: Trace
    client_context: str | None = None


class Environment:
    """An execution environment from its start to its end; only one thread may use it at a time."""

    def __init__(
        self,
        processes: Processes,
        memory_mb: int,
        log_stream: str,
        temporary: Path,
        access_key: str,
        expires_at: float,
    ) -> None:
        self.log_stream = log_stream
        self.access_key = access_key
        self.temporary = temporary
        self.expires_at = expires_at
        self.idle_since = time.monotonic()
        self._processes = processes
        self._memory_mb = memory_mb
        self._selector = selectors.DefaultSelector()
        self._api = RuntimeApi(self._selector)
        self._readers: dict[int, LineReader | FrameReader] = {}
        self._process: Popen[bytes] | None = None
        self._pipes: list[IO[bytes]] = []
        self._waiting: Connection | None = None
        self._result: Result | None = None
        self._current: Request | None = None
        self._logs: list[LogEvent] = []
        self._peak_mb = 0
        self._started = 0.0
        self._init_ms: float | None = None

    @property
    def address(self) -> str:
        """The address of this environment's Runtime API."""
        return self._api.address

    @property
    def alive(self) -> bool:
        """Whether the process is running (or stopped)."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """The process is dead or about to be; whoever runs an event in it notices. May be called by any thread."""
        self._signal(signal.SIGKILL)

    def start(self, spawn: Callable[[int, int], "Popen[bytes]"]) -> None:
        """The process has been started with `spawn(output descriptor, telemetry descriptor)`."""
        self._started = time.monotonic()
        output = self._pipe(LineReader())
        telemetry = self._pipe(FrameReader())
        try:
            self._process = spawn(output, telemetry)
        finally:
            os.close(output)
            os.close(telemetry)

    def initialise(self, timeout_seconds: float) -> Result | None:
        """The runtime waits for its first event; otherwise how the start failed.

        A function has 10 seconds to start, and then its own timeout, as on AWS; but the process is not started anew.
        """
        deadline = self._started + INIT_SECONDS + timeout_seconds
        self._run_until(lambda: self._waiting is not None or self._result is not None, deadline)
        self._init_ms = (time.monotonic() - self._started) * 1000
        return None if self._waiting is not None else self._ending()

    def run(self, request: Request, timeout_seconds: float) -> Result:
        """The process has handled one event, or it has ended. It is stopped afterwards."""
        assert self._waiting is not None
        self._current, self._result = request, None
        self._signal(signal.SIGCONT)
        deadline = time.monotonic() + timeout_seconds
        waiting, self._waiting = self._waiting, None
        self._api.reply(waiting, HTTPStatus.OK, request.payload, _headers(request, timeout_seconds))
        self._run_until(lambda: self._result is not None and self._waiting is not None, deadline)
        result = self._result or self._ending()
        self._current = None
        if self._waiting is not None:
            self._signal(signal.SIGSTOP)
        else:
            self.close()
        self.idle_since = time.monotonic()
        return result

    def take_logs(self) -> list[LogEvent]:
        """What the function has written since the last call, in order of time."""
        if self.alive:
            self._drain()
        for reader in self._readers.values():
            self._logs += reader.flush()
        logs, self._logs = self._logs, []
        return sorted(logs, key=lambda event: event[0])

    def measure(self, started_ms: int, duration_ms: float, result: Result) -> Measurements:
        """The figures of the invocation that has just ended; the start counts once."""
        init_ms, self._init_ms = self._init_ms, None
        if result.ending is Ending.OUT_OF_MEMORY:
            self._peak_mb = self._memory_mb
        return Measurements(started_ms, int(time.time() * 1000), duration_ms, init_ms, self._peak_mb)

    def resident_mb(self) -> int:
        """Memory that the process holds now."""
        memory = self._read_memory()
        return memory.resident_mb if memory else 0

    def close(self) -> None:
        """The process is gone, its /tmp too, and everything is closed; may be called again."""
        if self._process is not None:
            self._processes.kill(self._process)
            self._drain()
        for pipe in self._pipes:
            pipe.close()
        self._pipes = []
        if self._selector.get_map():
            self._api.close()
            self._selector.close()
        shutil.rmtree(self.temporary, ignore_errors=True)

    def _pipe(self, reader: LineReader | FrameReader) -> int:
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        self._pipes.append(os.fdopen(read_end, "rb", buffering=0))
        self._readers[read_end] = reader
        self._selector.register(read_end, selectors.EVENT_READ, reader)
        return write_end

    def _run_until(self, reached: Callable[[], bool], deadline: float) -> bool:
        """Whether `reached` came true; else the process has ended or been killed, and `_ending` says how."""
        while not reached():
            left = deadline - time.monotonic()
            if left <= 0:
                self._end(Ending.TIMEOUT)
            self._handle_input(min(_POLL_SECONDS, max(left, 0.0)))
            self._watch_memory()
            if not self.alive and not reached():
                return self._read_the_rest(reached)
        return True

    def _read_the_rest(self, reached: Callable[[], bool]) -> bool:
        """Whether `reached` came true by what an ended process had still written."""
        while not reached() and self._selector.select(0):
            self._handle_input(0)
        return reached()

    def _handle_input(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, RuntimeApi):
                key.data.accept()
            elif isinstance(key.data, Connection):
                for call in self._api.read(key.data):
                    self._answer(call)
            else:
                self._read_logs(key.fd)

    def _answer(self, call: Call) -> None:
        if call.route == "next":
            self._waiting = call.connection
            return
        if call.route == "init/error":
            self._result = Result(Ending.INIT_ERROR, call.body)
        elif self._current is None or call.request_id != self._current.request_id:
            self._api.reply(call.connection, HTTPStatus.BAD_REQUEST, b'{"errorType":"InvalidRequestID"}')
            return
        elif len(call.body) > RESPONSE_LIMIT_BYTES:
            self._result = Result(Ending.RESPONSE_TOO_LARGE, call.body)
            self._api.reply(call.connection, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE)
            return
        else:
            ending = Ending.RESPONSE if call.route == "response" else Ending.FUNCTION_ERROR
            self._result = Result(ending, call.body)
        self._api.reply(call.connection, HTTPStatus.ACCEPTED)

    def _ending(self) -> Result:
        if self._result is not None:
            return self._result
        assert self._process is not None
        return Result(Ending.EXIT, status=self._process.wait())

    def _end(self, ending: Ending) -> None:
        self._result = self._result or Result(ending)
        assert self._process is not None
        self._processes.kill(self._process)

    def _watch_memory(self) -> None:
        memory = self._read_memory()
        if memory is None:
            return
        self._peak_mb = max(self._peak_mb, min(memory.peak_mb, self._memory_mb))
        if memory.unreclaimable_mb > self._memory_mb:
            self._end(Ending.OUT_OF_MEMORY)

    def _read_memory(self) -> Memory | None:
        return memory_of(self._process.pid) if self._process is not None else None

    def _drain(self) -> None:
        for descriptor in [pipe.fileno() for pipe in self._pipes if not pipe.closed]:
            while self._read_logs(descriptor):
                pass

    def _read_logs(self, descriptor: int) -> bool:
        """Whether there was something to read; a pipe at its end is no longer watched."""
        try:
            data = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            with suppress(KeyError):
                self._selector.unregister(descriptor)
            return False
        self._logs += self._readers[descriptor].feed(data)
        return True

    def _signal(self, number: int) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _headers(request: Request, timeout_seconds: float) -> dict[str, str]:
    deadline_ms = int((time.time() + timeout_seconds) * 1000)
    headers = {
        "Lambda-Runtime-Aws-Request-Id": request.request_id,
        "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
        "Lambda-Runtime-Invoked-Function-Arn": request.arn,
        "Lambda-Runtime-Trace-Id": request.trace.header,
    }
    return headers | ({"Lambda-Runtime-Client-Context": request.client_context} if request.client_context else {})
