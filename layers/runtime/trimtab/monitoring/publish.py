"""Measurements as metrics for alarms, and as entries of the ledger."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trimtab.ledger.kinds import QUALITY_MEASURED, ROLLBACK_DONE, ROLLOUT_SERVING, WINDOW_MEASURED
from trimtab.ledger.lookup import latest
from trimtab.monitoring.alarm_readings import is_of, newest_of, seen
from trimtab.monitoring.publish_performance import PerformancePublication
from trimtab.monitoring.truth_due import TruthDue
from trimtab.ports import Entry, Ledger, MetricsSink
from trimtab.spec import Spec
from trimtab.telemetry import COLUMN_DIMENSION, Metric

ACTOR = "publish_metrics"


@dataclass
class Publication:
    """One run's publication. Metrics may be put twice by a retry, which no alarm minds; entries are written once.

    Only what the serving version did is put as a metric: a window of an earlier version must not ring for
    its successor. And only once a run: of several windows of an outage the newest is what alarms follow.
    """

    at: datetime
    spec: Spec
    ledger: Ledger
    metrics: MetricsSink
    count: int = 0
    _serving: int | None = field(init=False)

    def __post_init__(self) -> None:
        champion = self.ledger.state("champion")
        self._serving = int(champion["version"]) if champion else None

    def window(self, window: Mapping[str, Any], drift: Mapping[str, Any]) -> None:
        """The window's drift is recorded."""
        self._put(Metric.ROWS_MEASURED, window["rows"])
        if latest(self.ledger, WINDOW_MEASURED, window["id"]) is None:
            data = {"window": window, **drift, "summary": _drift_summary(window, drift)}
            self.ledger.append(WINDOW_MEASURED, window["id"], data, self.at, ACTOR)

    def readings(self) -> None:
        """Alarms see what this run, which has ended, has recorded: nothing of a run that has judged nothing."""
        newest = newest_of(self.ledger.entries(WINDOW_MEASURED), self._serving)
        if newest is not None and is_of(newest, self.at):
            self._put(Metric.READING, 1)
            for column, psi in newest.data["columns"].items():
                self._put(Metric.PSI, psi, **{COLUMN_DIMENSION: column})
        if self.spec.monitoring.tells_its_silence:
            self._silence(newest)
        self._truth()
        PerformancePublication(self.at, self.spec, self.ledger, self._put, self._serving).newest()
        for metric, value in seen(self.ledger, self._serving, self.spec.monitoring, self.at).items():
            self._put(metric, value)

    def _silence(self, newest: Entry | None) -> None:
        """How long nothing was judged of the version that serves, or since it does: it may have served before."""
        reigns = [entry.at for kind in (ROLLOUT_SERVING, ROLLBACK_DONE) for entry in self.ledger.entries(kind)]
        heard = [*reigns, *([newest.at] if newest else [])]
        if heard:
            self._put(Metric.SILENT_HOURS, (self.at - max(heard)).total_seconds() / 3600)

    def _truth(self) -> None:
        """Every run says how much truth is missing: that nothing comes is no event."""
        due = TruthDue(self.ledger.entries(WINDOW_MEASURED), self.ledger.entries(QUALITY_MEASURED), self.at)
        missing = due.missing(self.spec.monitoring)
        if missing is not None:
            self._put(Metric.TRUTH_MISSING, missing)

    def quality(self, windows: Iterable[Mapping[str, Any]]) -> None:
        """Each window's performance is recorded, again whenever its truth has changed."""
        PerformancePublication(self.at, self.spec, self.ledger, self._put, self._serving).windows(windows)

    def estimates(self, windows: Iterable[Mapping[str, Any]]) -> None:
        """What is known of windows without truth is recorded."""
        PerformancePublication(self.at, self.spec, self.ledger, self._put, self._serving).estimates(windows)

    def _put(self, metric: Metric, value: float, **dimensions: str) -> None:
        self.metrics.put(metric, value, **dimensions)
        self.count += 1


def _drift_summary(window: Mapping[str, Any], drift: Mapping[str, Any]) -> str:
    if not drift["judged"]:
        return f"{window['rows']} records of version {window['version']}, drift not judged: {drift['reason']}"
    broken = [found["message"] for found in drift["schema_breaks"]]
    return (
        f"{window['rows']} records of version {window['version']} against {drift['reference']}, "
        f"largest PSI {drift['max_psi']:.3f}, {len(drift['drifted'])} columns beyond the limit"
        + (f" ({', '.join(drift['drifted'][:3])})" if drift["drifted"] else "")
        + (f"; broken: {'; '.join(broken)}" if broken else "")
    )
