"""Asynchronous invocations: a queue with AWS's retries on the virtual clock, destinations and dead-letter queues.

Source: AWS Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation".
"""

import heapq
import itertools
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
        self._later: list[tuple[float, int, Event]] = []
        self._order = itertools.count()
        self._changed = threading.Event()
        threading.Thread(target=self._release, name="lambda-retries", daemon=True).start()

    def put(self, event: Event) -> None:
        """The event runs as soon as a thread is free."""
        self._pool.submit(self._handle, event)

    def _handle(self, event: Event) -> None:
        try:
            self._try(event)
        except Exception:  # a thread of the pool would swallow it
            if not self._cloud.stopping.is_set():
                print(f"The event {event.request_id} for {event.function} was lost:", file=sys.stderr)
                traceback.print_exc()

    def _try(self, event: Event) -> None:
        policy = self._read_policy(event)
        if policy is None:  # the function was deleted in between
            return
        try:
            response: Response | None = self._invoke(event)
            event = replace(event, attempts=event.attempts + 1)
        except Throttled:
            response = None
        step = next_step(event, response, policy, self._cloud.clock.now())
        if isinstance(step, Verdict):
            self._deliver(event, policy, step)
        else:
            self._wait(*step)

    def _wait(self, event: Event, seconds: float) -> None:
        heapq.heappush(self._later, (self._cloud.clock.now() + seconds, next(self._order), event))
        self._changed.set()
        self._cloud.clock.wake()

    def _release(self) -> None:
        while not self._cloud.stopping.is_set():
            self._changed.clear()
            while self._later and self._later[0][0] <= self._cloud.clock.now():
                self.put(heapq.heappop(self._later)[2])
            if self._later:
                self._cloud.clock.sleep(self._later[0][0] - self._cloud.clock.now(), self._changed)
            else:
                self._changed.wait()
