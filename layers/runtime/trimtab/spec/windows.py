"""The section that says how captured traffic is cut into windows, and how long latecomers are waited for."""

from typing import Final, Literal

from pydantic import Field

from trimtab.spec.base import Section
from trimtab.spec.rhythm import rate_hours

_UNLESS_TOLD: Final = 24.0


class CaptureFanOut(Section):
    """When the capture files of one window are decoded in shares, side by side, and how; the window is the same."""

    above_megabytes: float = Field(default=256, gt=0)
    """Capture files of more bytes than this in one window are shared out (1 MB is 1,048,576 bytes)."""
    share_megabytes: float = Field(default=96, gt=0)
    """About what one function decodes. A file is not cut."""
    at_once: int = Field(default=8, ge=1, le=1000)
    """Functions that work at the same time. A new account has ten in all."""


class WindowsSpec(Section):
    """What one window holds. Windows follow each other without gap or overlap, by the time of the request."""

    hours: float | None = Field(default=None, gt=0, le=24 * 31)
    """Longest time that one window covers. When absent, the period of a ``rate`` schedule; of a ``cron``, a day."""
    late_hours: int = Field(default=24, ge=1, le=24 * 14)
    """How far back every run looks for capture files that came late, and a request that was captured twice."""
    sweep_days: int = Field(default=90, ge=0, le=365)
    """How far back files that came even later are looked for, a seventh of the days in each run, all in one without
    traffic."""
    thin: Literal["skip", "carry"] = "skip"
    """A window of fewer than ``min_rows`` is not judged (skip), or waits and becomes one with the next (carry)."""
    truth_days: int = Field(default=120, ge=1, le=730)
    """Truth is joined to windows that were collected within so many days."""
    fan_out: CaptureFanOut = CaptureFanOut()

    def period_hours(self, schedule: str) -> float:
        """Longest time that one window covers under a schedule of monitoring, in hours."""
        if self.hours is not None:
            return self.hours
        rate = rate_hours(schedule)
        return _UNLESS_TOLD if rate is None else rate
