"""Whether truth still comes: how much of it is missing where it should have come by now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from trimtab.ports import Entry
from trimtab.spec.monitoring import MonitoringSpec


@dataclass(frozen=True)
class TruthDue:
    """What was measured of windows until ``at``: entries ``window.measured`` and ``quality.measured``."""

    windows: Iterable[Entry]
    truth: Iterable[Entry]
    at: datetime

    def missing(self, watch: MonitoringSpec) -> float | None:
        """Share of the records without truth in the newest window whose truth is due, whichever version answered.

        Between 0 and 1. None while no window is due, or for a spec that does not say when truth comes. Windows with
        fewer rows than are judged do not count, and neither do those to which truth is joined no more.
        """
        days = watch.alarms.truth_expected_days
        if days is None:
            return None
        oldest, newest = self.at - timedelta(days=watch.windows.truth_days), self.at - timedelta(days=days)
        large = (entry for entry in self.windows if entry.data["window"]["rows"] >= watch.min_rows)
        due = [(end, entry.subject) for entry in large if oldest <= (end := _end(entry)) <= newest]
        return 1 - self._coverage(max(due)[1]) if due else None

    def _coverage(self, window: str) -> float:
        known = [float(entry.data["coverage"]) for entry in self.truth if entry.subject == window]
        return known[-1] if known else 0.0


def _end(entry: Entry) -> datetime:
    return datetime.fromisoformat(str(entry.data["window"]["end"]))
