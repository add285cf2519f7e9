"""Asynchronous invocations: a queue with AWS's retries on the virtual clock, destinations and dead-letter queues.

Source: AWS Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation".
"""

import heapq
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from localcloud.cloud import Cloud
from localcloud.lambda_.concurrency import Throttled
from localcloud.lambda_.engine import Response

WAITS_BEFORE_RETRY_SECONDS = (60.0, 120.0)
DEFAULT_MAXIMUM_AGE_SECONDS = 21_600
DEFAULT_MAXIMUM_RETRIES = 2
_LONGEST_THROTTLE_WAIT_SECONDS = 300.0
_THREADS = 64


@dataclass(frozen=True)
class Event:
    """An event in the queue; `attempts` counts runs of the function, `throttles` refusals since the last one."""

    region: str
    function: str
    qualifier: str | None
    payload: bytes
    request_id: str
    trace: str | None
    received: float
    attempts: int = 0
    throttles: int = 0


@dataclass(frozen=True)
class Waiting:
    """An event that has not come to its end, and when it is due (virtual)."""

    event: Event
    due: float


@dataclass(frozen=True)
class Policy:
    """What the function's configuration says about events that fail."""

    maximum_retries: int
    maximum_age_seconds: float
    on_success: str | None
    on_failure: str | None
    dead_letter: str | None


@dataclass(frozen=True)
class Verdict:
    """The end of an event: `condition` as AWS names it, and the last response if the function ran."""

    condition: str
    response: Response | None


Invoke = Callable[[Event], Response]
ReadPolicy = Callable[[Event], Policy | None]
Deliver = Callable[[Event, Policy, Verdict], None]


def policy_of(config: dict[str, Any], dead_letter: str | None) -> Policy:
    """The policy out of an EventInvokeConfig (may be empty) and a function's DeadLetterConfig."""
    destinations = config.get("DestinationConfig") or {}
    retries = config.get("MaximumRetryAttempts")
    return Policy(
        DEFAULT_MAXIMUM_RETRIES if retries is None else int(retries),
        float(config.get("MaximumEventAgeInSeconds") or DEFAULT_MAXIMUM_AGE_SECONDS),
        (destinations.get("OnSuccess") or {}).get("Destination"),
        (destinations.get("OnFailure") or {}).get("Destination"),
        dead_letter,
    )


def next_step(event: Event, response: Response | None, policy: Policy, now: float) -> Verdict | tuple[Event, float]:
    """The end of an event, or the event to try again with the virtual seconds to wait; no response is a throttle."""
    if response is not None and not response.failed:
        return Verdict("Success", response)
    if response is None:
        wait = min(2.0**event.throttles, _LONGEST_THROTTLE_WAIT_SECONDS)
        again = replace(event, throttles=event.throttles + 1)
    elif event.attempts > policy.maximum_retries:
        return Verdict("RetriesExhausted", response)
    else:
        wait = WAITS_BEFORE_RETRY_SECONDS[min(event.attempts, len(WAITS_BEFORE_RETRY_SECONDS)) - 1]
        again = replace(event, throttles=0)
    if now + wait - event.received > policy.maximum_age_seconds:
        return Verdict("EventAgeExceeded", response)
    return again, wait


class AsynchronousQueue:
    """Events wait here until their time has come, and then run side by side."""

    def __init__(self, cloud: Cloud, invoke: Invoke, read_policy: ReadPolicy, deliver: Deliver) -> None:
        self._cloud = cloud
        self._invoke = invoke
        self._read_policy = read_policy
        self._deliver = deliver
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="lambda-async")
        self._pending: dict[str, Waiting] = {}
        self._later: list[tuple[float, str]] = []
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._kept = cloud.durable.keep("lambda.events", dump=self._pending.get, load=self._load)
        cloud.durable.on_restart(self._resume)
        threading.Thread(target=self._release, name="lambda-retries", daemon=True).start()

    def _load(self, waiting: Waiting, request_id: str) -> None:
        self._pending[request_id] = waiting

    def _resume(self) -> None:
        for waiting in list(self._pending.values()):
            self.put(waiting.event, waiting.due)

    def put(self, event: Event, due: float = 0.0) -> None:
        """The event runs when it is due (virtual) and a thread is free."""
        with self._lock:
            self._pending[event.request_id] = Waiting(event, due)
            heapq.heappush(self._later, (due, event.request_id))
        self._kept.changed(event.request_id)
        self._changed.set()
        self._cloud.clock.wake()

    def _handle(self, event: Event) -> None:
        try:
            again = self._try(event)
        except Exception:  # a thread of the pool would swallow it
            again = None
            if not self._cloud.stopping.is_set():
                print(f"The event {event.request_id} for {event.function} was lost:", file=sys.stderr)
                traceback.print_exc()
        if again is not None:
            self.put(*again)
        elif not self._cloud.stopping.is_set():
            with self._lock:
                del self._pending[event.request_id]
            self._kept.changed(event.request_id)

    def _try(self, event: Event) -> tuple[Event, float] | None:
        """The event to try again and when; None when it has come to its end."""
        policy = self._read_policy(event)
        if policy is None:  # the function was deleted in between
            return None
        try:
            response: Response | None = self._invoke(event)
            event = replace(event, attempts=event.attempts + 1)
        except Throttled:
            response = None
        now = self._cloud.clock.now()
        step = next_step(event, response, policy, now)
        if isinstance(step, Verdict):
            self._deliver(event, policy, step)
            return None
        again, wait = step
        return again, now + wait

    def _release(self) -> None:
        while not self._cloud.stopping.is_set():
            self._changed.clear()
            wait = self._submit_due()
            if wait is None:
                self._changed.wait()
            else:
                self._cloud.clock.sleep(wait, self._changed)

    def _submit_due(self) -> float | None:
        """What is due has been given to a thread; the virtual seconds until the next event is due."""
        with self._lock:
            now = self._cloud.clock.now()
            while self._later and self._later[0][0] <= now:
                self._pool.submit(self._handle, self._pending[heapq.heappop(self._later)[1]].event)
            return self._later[0][0] - now if self._later else None
