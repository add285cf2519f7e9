"""Performance as metrics for alarms, and as entries of the ledger.

Truth comes late, in parts, and not in order. An alarm must follow the newest traffic that could be judged, so of all
windows of the serving version only the newest by the time of its requests is put as a metric: more truth for an older
one is recorded, and neither raises an alarm nor clears it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.ledger.kinds import PERFORMANCE_ESTIMATED, QUALITY_MEASURED
from trimtab.monitoring.alarm_readings import is_of, newest_of
from trimtab.monitoring.asked import last_asked
from trimtab.ports import Ledger
from trimtab.spec import Spec
from trimtab.telemetry import METRIC_DIMENSION, Metric

ACTOR = "publish_metrics"
Report = Mapping[str, Any]


@dataclass(frozen=True)
class PerformancePublication:
    """One run's performance; ``put`` puts a metric of the model."""

    at: datetime
    spec: Spec
    ledger: Ledger
    put: Callable[..., None]
    serving: int | None
    """Version that serves, None before the first."""

    def windows(self, windows: Iterable[Report]) -> None:
        """Each window's performance is recorded, again whenever its truth has changed."""
        recorded = {entry.subject: entry.data for entry in self.ledger.entries(QUALITY_MEASURED)}
        for window in windows:
            if _said(recorded.get(window["window"])) != _said(window):
                data = {**window, "summary": summary(window, self.spec.monitoring.quality.metric)}
                self.ledger.append(QUALITY_MEASURED, window["window"], data, self.at, ACTOR)

    def estimates(self, windows: Iterable[Report]) -> None:
        """What is known of windows without truth is recorded once."""
        recorded = {entry.subject for entry in self.ledger.entries(PERFORMANCE_ESTIMATED)}
        for window in windows:
            if window["window"] not in recorded:
                data = {**window, "summary": estimate_summary(window)}
                self.ledger.append(PERFORMANCE_ESTIMATED, window["window"], data, self.at, ACTOR)

    def newest(self) -> None:
        """The metrics of the newest windows are put, when this run has recorded them."""
        self._usable()
        self._judged()

    def _usable(self) -> None:
        """What cannot be measured is said of a window as large as one that is judged."""
        mine = (entry for entry in self.ledger.entries(PERFORMANCE_ESTIMATED) if entry.data["version"] == self.serving)
        newest = max(mine, key=lambda entry: (last_asked(entry.data), entry.seq), default=None)
        if newest is not None and is_of(newest, self.at) and newest.data["rows"] >= self.spec.monitoring.min_rows:
            self.put(Metric.UNUSABLE, newest.data.get("unusable", 0) / newest.data["rows"])

    def _judged(self) -> None:
        newest = newest_of(self.ledger.entries(QUALITY_MEASURED), self.serving)
        if newest is None or not is_of(newest, self.at):
            return
        for name, value in newest.data["metrics"].items():
            if value is not None:
                self.put(Metric.QUALITY, value, **{METRIC_DIMENSION: name})
        self.put(Metric.TRUTH_COVERAGE, newest.data["coverage"])


def _said(report: Report | None) -> tuple[Any, ...] | None:
    """What makes two reports of a window different."""
    return None if report is None else (report["n"], report["drop"], report["metrics"])


def summary(window: Report, metric: str) -> str:
    """The window's performance in a sentence."""
    value, name = window["metrics"].get(metric), window["window"]
    if not window["judged"] or value is None:
        return f"window {name}: {window['n']} labels known, not judged: {window['reason'] or f'{metric} is undefined'}"
    low, high = window["interval"] or (None, None)
    between = "" if low is None or high is None else f" [{low:.4f}, {high:.4f}]"
    return f"window {name}: {metric} {value:.4f}{between} on {window['n']} labels{_verdict(window)}"


def estimate_summary(window: Report) -> str:
    """What is known of a window without its truth, in a sentence."""
    said = f"window {window['window']}: {_estimate(window)}"
    findings = [each for each in window["bias"] if not each["accepted"]]
    if not findings:
        return said
    first = findings[0]
    more = f" and {len(findings) - 1} more" if len(findings) > 1 else ""
    return (
        f"{said}; {first['attribute']}={first['group']} against {first['reference']}: {first['measure']} "
        f"{first['value']:.3f} [{first['low']:.3f}, {first['high']:.3f}], limit {first['limit']:g}{more}"
    )


def _estimate(window: Report) -> str:
    if window["estimate"] is None:
        return f"{window['metric']} is not estimated: {window['reason']}"
    low, high = window["interval"]
    return (
        f"{window['metric']} is estimated at {window['estimate']:.4f} [{low:.4f}, {high:.4f}] from the scores of "
        f"{window['rows']} records, if what they mean has not changed"
    )


def _verdict(window: Report) -> str:
    """What the drop is worth, and which slices fell further, as the end of a sentence."""
    said = ""
    if window["drop"] is not None and window["drop"] > 0:
        drop = f"{window['drop']:.1%}" if window.get("drop_in") == "share" else f"{window['drop']:.4f}"
        said = f", {drop} worse than at evaluation"
        said += "" if window["reading"] else ", which may be chance"
    fallen = window.get("slices_fallen") or []
    return said + (f"; fallen further than the whole: {', '.join(fallen[:3])}" if fallen else "")
