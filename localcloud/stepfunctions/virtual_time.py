"""Stand-ins for the parts of `threading`, `time` and `datetime` that moto's engine uses, on the virtual clock."""

import math
import threading
import time
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from types import SimpleNamespace
from typing import Any, Final
from weakref import WeakKeyDictionary

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


class Moment(datetime):
    """A moment whose ISO text is as Step Functions writes it."""

    def isoformat(self, *_arguments: Any, **_keywords: Any) -> str:
        return self.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def datetime_module(clock: Clock) -> SimpleNamespace:
    """`datetime` whose `datetime.now()` is virtual."""

    class VirtualDatetime(Moment):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Moment:  # type: ignore[override]  # not of this local class
            moment = Moment.fromtimestamp(clock.now(), UTC)
            return moment.replace(tzinfo=None) if tz is None else moment.astimezone(tz)

    return SimpleNamespace(datetime=VirtualDatetime, timezone=timezone, timedelta=timedelta)


class Waits:
    """The waits of running machines, whose timeouts they observe: what a machine has waited counts in virtual time.

    What it has worked does not count here, because work is not accelerated; `Limit` is for that.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._limits: WeakKeyDictionary[Any, tuple[float, Any]] = WeakKeyDictionary()
        self._waited: WeakKeyDictionary[Any, float] = WeakKeyDictionary()

    def limit(self, env: Any, seconds: float) -> None:
        """The machine that runs in `env` may wait for `seconds`; the event manager is what all its frames share."""
        self._limits[env.event_manager] = (seconds, env)

    def sleep(self, env: Any, seconds: float) -> None:
        """`seconds` of virtual time have passed, or the machine has been stopped or has timed out."""
        began, before = self._clock.now(), self._waited.get(env, 0.0)
        most, machine = self._limits.get(env.event_manager, (math.inf, None))
        while env.is_running() and (left := began + seconds - self._clock.now()) > 0:
            self._clock.sleep(min(left, self._clock.speed * _LOOK_SECONDS))
            self._waited[env] = before + self._clock.now() - began
            if self._waited[env] >= most:
                machine.set_timed_out()
