"""Stand-ins for the parts of `threading`, `time` and `datetime` that moto's engine uses, on the virtual clock."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from types import SimpleNamespace
from typing import Any, Final, Self

from localcloud.clock import Clock

_LOOK_SECONDS: Final = 0.25


class Limit:
    """A virtual timeout that leaves the work it limits a share of real time, because work is not accelerated.

    It has passed when `seconds` of virtual time have, but not before `grace` real seconds (or `seconds`, when that
    is less): neither a fast clock nor a jump of it stops a task that has only just begun.
    """

    def __init__(self, clock: Clock, seconds: float, grace: float) -> None:
        self._clock = clock
        self._virtual_end = clock.now() + seconds
        self._real_end = time.monotonic() + min(seconds, grace)

    def real_seconds_left(self) -> float:
        """Real seconds until the limit passes, as far as can be known now; 0 or less when it has."""
        return max(self._clock.real(self._virtual_end - self._clock.now()), self._real_end - time.monotonic())


def event_class(clock: Clock, grace: float) -> type[threading.Event]:
    """`threading.Event` whose timeouts are virtual."""

    class VirtualEvent(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if timeout is None:
                return super().wait()
            limit = Limit(clock, timeout, grace)
            while not self.is_set() and (left := limit.real_seconds_left()) > 0:
                super().wait(min(left, _LOOK_SECONDS))
            return self.is_set()

    return VirtualEvent


def threading_module(clock: Clock, grace: float) -> SimpleNamespace:
    """`threading` with virtual timeouts of Event.wait and Thread.join."""

    class VirtualThread(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            if timeout is None:
                super().join()
                return
            limit = Limit(clock, timeout, grace)
            while self.is_alive() and (left := limit.real_seconds_left()) > 0:
                super().join(min(left, _LOOK_SECONDS))

    return SimpleNamespace(Event=event_class(clock, grace), Thread=VirtualThread, Lock=threading.Lock)


def datetime_module(clock: Clock) -> SimpleNamespace:
    """`datetime` whose `datetime.now()` is virtual, and ISO texts as Step Functions writes them."""

    class VirtualDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            moment = cls.fromtimestamp(clock.now(), UTC)
            return moment.replace(tzinfo=None) if tz is None else moment.astimezone(tz)

        def isoformat(self, *_arguments: Any, **_keywords: Any) -> str:
            return self.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    return SimpleNamespace(datetime=VirtualDatetime, timezone=timezone, timedelta=timedelta)


def sleep_while(clock: Clock, seconds: float, is_running: Callable[[], bool]) -> None:
    """`seconds` of virtual time have passed, or `is_running` was false."""
    end = clock.now() + seconds
    while is_running() and (left := end - clock.now()) > 0:
        clock.sleep(min(left, clock.speed * _LOOK_SECONDS))
