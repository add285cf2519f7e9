"""Timestamps that arrive from outside: processes read the real clock, the cloud keeps the virtual one."""

import time
from datetime import UTC, datetime

from localcloud.clock import Clock

_CLOCK_SKEW_SECONDS = 2.0


def received(clock: Clock, epoch: float) -> float:
    """The virtual time that a caller's timestamp means.

    What a process read from the real clock is mapped to the virtual time of that moment. What lies ahead of the
    real clock can only have been virtual already, and is kept.
    """
    if epoch > time.time() + _CLOCK_SKEW_SECONDS:
        return epoch
    return clock.to_virtual(epoch)


def iso_seconds(epoch: float) -> str:
    """As in an event's `time`: 2019-10-02T17:04:40Z."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_milliseconds(epoch: float) -> str:
    """As in an alarm's `timestamp`: 2019-10-02T17:04:40.989+0000."""
    moment = datetime.fromtimestamp(epoch, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def received_range(clock: Clock, start: float, end: float) -> tuple[float, float]:
    """The virtual range that a caller's range means; its end tells on which clock the caller read both."""
    if end > time.time() + _CLOCK_SKEW_SECONDS:
        return start, end
    return clock.to_virtual(start), clock.to_virtual(end)
