"""Virtual time: a piecewise-linear function of real time, shared by everything in the local cloud that waits."""

import math
import threading
import time
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime

_LONGEST_WAIT_SECONDS = 0.5
_REMEMBERED_SEGMENTS = 1000
_FASTEST = 1e6
_LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()  # datetimes end with the year 9999


@dataclass(frozen=True)
class _Segment:
    """From `real` on, virtual time starts at `virtual` and runs `speed` times as fast as real time."""

    real: float
    virtual: float
    speed: float

    def at(self, real_epoch: float) -> float:
        return self.virtual + (real_epoch - self.real) * self.speed


class Clock:
    """The virtual clock; it never goes back, and every change of speed or jump begins a new segment."""

    def __init__(self, speed: float = 1.0) -> None:
        _check_speed(speed)
        start = _whole_millisecond(time.time())
        self._segments = [_Segment(start, start, speed)]
        self._starts = [start]
        self._changed = threading.Condition()

    @property
    def speed(self) -> float:
        """Virtual seconds per real second at present."""
        return self._segments[-1].speed

    def now(self) -> float:
        """Virtual seconds since the epoch."""
        return self._segments[-1].at(time.time())

    def utcnow(self) -> datetime:
        """The virtual time as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.now(), UTC)

    def to_virtual(self, real_epoch: float) -> float:
        """The virtual time at which a real timestamp was taken; before the start both are the same."""
        index = bisect_right(self._starts, real_epoch) - 1
        return real_epoch if index < 0 else self._segments[index].at(real_epoch)

    def age(self, real_epoch: float) -> float:
        """Seconds since a real moment as people outside count them: real ones, and all that was jumped since."""
        pairs = zip(self._segments, self._segments[1:], strict=False)
        jumps = (after.virtual - before.at(after.real) for before, after in pairs if after.real > real_epoch)
        return time.time() - real_epoch + sum(jumps)

    def real(self, virtual_seconds: float) -> float:
        """How many real seconds a virtual duration lasts at the present speed."""
        return virtual_seconds / self.speed

    def advance(self, seconds: float) -> None:
        """Virtual time has jumped ahead by `seconds` and every sleeper has looked at it again."""
        if not 0 <= seconds <= _LATEST - self.now():
            raise ValueError(f"the clock goes forward, until the year 9000, not by {seconds} seconds")
        self._begin_segment(jump=seconds, speed=self.speed)

    def set_speed(self, speed: float) -> None:
        """Virtual time goes on from where it is, `speed` times as fast as real time."""
        _check_speed(speed)
        self._begin_segment(jump=0.0, speed=speed)

    def history(self) -> list[tuple[float, float, float]]:
        """Everything that the clock knows, for `resume`."""
        return [(one.real, one.virtual, one.speed) for one in self._segments[-_REMEMBERED_SEGMENTS:]]

    def resume(self, history: list[tuple[float, float, float]], stopped: float) -> None:
        """Virtual time went on with that history until the real moment `stopped`, and since then as fast as real time.

        Nobody is to find hundreds of missed ticks after a night in which nothing ran at speed 60.
        """
        segments, now = [_Segment(*one) for one in history], time.time()
        last = segments[-1]
        began = max(stopped, last.real)
        if began < now:
            paused = _Segment(began, last.at(began), 1.0)
            segments += [paused, _Segment(now, paused.at(now), last.speed)]
        with self._changed:
            self._segments = segments
            self._starts = [one.real for one in segments]
            self._changed.notify_all()

    def sleep(self, virtual_seconds: float, stop: threading.Event | None = None) -> None:
        """`virtual_seconds` have passed, or `stop` was set (noticed within half a real second)."""
        deadline = self.now() + virtual_seconds
        with self._changed:
            while stop is None or not stop.is_set():
                left = deadline - self.now()
                if left <= 0:
                    return
                self._changed.wait(min(left / self.speed, _LONGEST_WAIT_SECONDS))

    def wake(self) -> None:
        """Every sleeper has looked at its stop event."""
        with self._changed:
            self._changed.notify_all()

    def _begin_segment(self, jump: float, speed: float) -> None:
        with self._changed:
            now = time.time()
            virtual = self._segments[-1].at(now) + jump
            # clients stamp whole milliseconds: what they write right after the change is not to count as before it
            real = max(_whole_millisecond(now), self._starts[-1])
            segment = _Segment(real, virtual, speed)
            self._segments.append(segment)
            self._starts.append(real)
            self._changed.notify_all()


def _whole_millisecond(real_epoch: float) -> float:
    return math.floor(real_epoch * 1000) / 1000


def _check_speed(speed: float) -> None:
    if not 0 < speed <= _FASTEST:
        raise ValueError(f"the clock's speed must be above 0 and at most {_FASTEST:,.0f}, not {speed}")
