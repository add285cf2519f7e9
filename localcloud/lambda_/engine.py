"""Invokes functions: finds or starts an execution environment, runs the event in it, and reports what happened."""

import os
import threading
import time
import uuid
from dataclasses import dataclass

from localcloud.cloud import Cloud
from localcloud.lambda_.concurrency import Concurrency, Throttled
from localcloud.lambda_.environment import Environment, Request
from localcloud.lambda_.launch import Launcher, log_stream
from localcloud.lambda_.log_reader import LogEvent
from localcloud.lambda_.outcome import Ending, Measurements, Result, failed, init_failure, payload, platform_log
from localcloud.lambda_.overlay import OverlayError
from localcloud.lambda_.pool import Pool
from localcloud.lambda_.reporting import Reporter
from localcloud.lambda_.specification import FunctionSpec
from localcloud.lambda_.xray import XRayDaemon, segments

LOG_TAIL_BYTES = 4096
_REAP_EVERY_SECONDS = 10.0
_LONGEST_WAIT_FOR_START_SECONDS = 10.0
_IDLE_SHARE_OF_MEMORY = 4  # idle environments may hold a quarter of this machine's memory


@dataclass(frozen=True)
class Response:
    """What Invoke answers."""

    payload: bytes
    failed: bool
    log_tail: bytes


class Engine:
    """Everything that runs functions in this process."""

    def __init__(self, cloud: Cloud, launcher: Launcher, xray: XRayDaemon) -> None:
        self._cloud = cloud
        self._launcher = launcher
        self._xray = xray
        self.reporter = Reporter(cloud)
        self._pool = Pool(_total_memory_mb() // _IDLE_SHARE_OF_MEMORY)
        self._concurrency = Concurrency()
        # starting more processes at once than there are cores only makes each look slow to start
        self._starting = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))
        threading.Thread(target=self._reap, name="lambda-reaper", daemon=True).start()

    def invoke(self, spec: FunctionSpec, reserved: int | None, request: Request) -> Response:
        """The function has run. Raises Throttled, LookupError (no runtime) and botocore's ClientError (no role)."""
        try:
            with self._concurrency.taken(f"{spec.region}:{spec.name}", reserved) as running:
                return self._run(spec, request, running)
        except Throttled:
            self.reporter.metrics(spec.region, spec.name, request.resource, [("Throttles", 1, "Count")])
            raise

    def retire(self, function_arn: str) -> None:
        """No environment of the function is kept any longer."""
        self._pool.retire(function_arn)

    def _run(self, spec: FunctionSpec, request: Request, running: int) -> Response:
        environment = self._pool.take(spec)
        failure = None
        if environment is None:
            try:
                environment, failure = self._start(spec)
            except OverlayError as error:
                return self._not_started(spec, request, init_failure(str(error)), running)
        started_ms, started = int(time.time() * 1000), time.perf_counter()
        result = failure or self._run_in(environment, spec, request)
        duration_ms = _duration_ms(result, started, spec)
        own = environment.take_logs()
        measured = environment.measure(started_ms, duration_ms, result)
        if environment.alive and failure is None:
            self._pool.give_back(spec, environment)
        else:
            environment.close()
        return self._respond(spec, request, result, measured, running, (environment.log_stream, own))

    def _run_in(self, environment: Environment, spec: FunctionSpec, request: Request) -> Result:
        """How the event ended; while it runs, a fault plan can kill the process."""
        faults, key = self._cloud.faults, environment.access_key
        faults.worker(key, environment.kill)
        faults.started("lambda", "Invoke", spec.name, environment.kill)
        try:
            return environment.run(request, spec.timeout_seconds)
        finally:
            faults.worker_ended(key)

    def _start(self, spec: FunctionSpec) -> tuple[Environment, Result | None]:
        # a function that invokes another one while it starts must not wait for ever
        has_slot = self._starting.acquire(timeout=_LONGEST_WAIT_FOR_START_SECONDS)
        try:
            environment = self._launcher.start(spec)
            return environment, environment.initialise(spec.timeout_seconds)
        finally:
            if has_slot:
                self._starting.release()

    def _not_started(self, spec: FunctionSpec, request: Request, result: Result, running: int) -> Response:
        now_ms = int(time.time() * 1000)
        measured = Measurements(now_ms, now_ms, 0.0, 0.0, 0)
        stream = log_stream(spec, uuid.uuid4().hex, f"{self._cloud.clock.utcnow():%Y/%m/%d}")
        return self._respond(spec, request, result, measured, running, (stream, []))

    def _respond(
        self,
        spec: FunctionSpec,
        request: Request,
        result: Result,
        measured: Measurements,
        running: int,
        logged: tuple[str, list[LogEvent]],
    ) -> Response:
        stream, own = logged
        events = platform_log(spec, request.request_id, request.trace, result, measured, own)
        self.reporter.logs(spec, stream, events)
        values = [
            ("Invocations", 1.0, "Count"),
            ("Errors", float(failed(result)), "Count"),
            ("Duration", measured.duration_ms, "Milliseconds"),
            ("ConcurrentExecutions", float(running), "Count"),
        ]
        self.reporter.metrics(spec.region, spec.name, request.resource, values, spec.version)
        is_traced = spec.traced and request.trace.sampled
        if is_traced and self._cloud.permits(spec.role, "xray:PutTraceSegments", "*"):
            self._xray.record(segments(request.trace, spec, request.request_id, measured, failed(result)))
        tail = "".join(f"{text}\n" for _, text in events).encode()[-LOG_TAIL_BYTES:]
        return Response(payload(result, request.request_id, spec), failed(result), tail)

    def _reap(self) -> None:
        while not self._cloud.stopping.wait(_REAP_EVERY_SECONDS):
            self._pool.reap()


def _duration_ms(result: Result, started: float, spec: FunctionSpec) -> float:
    if result.ending is Ending.TIMEOUT:
        return spec.timeout_seconds * 1000
    return (time.perf_counter() - started) * 1000


def _total_memory_mb() -> int:
    return (os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) >> 20
