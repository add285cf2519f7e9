"""Measurements as metrics for alarms, and as entries of the ledger."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trimtab.ledger.lookup import latest
from trimtab.monitoring.publish_performance import PerformancePublication
from trimtab.ports import Ledger, MetricsSink
from trimtab.spec import Spec
from trimtab.telemetry import COLUMN_DIMENSION, Metric

MEASURED = "window.measured"
ACTOR = "publish_metrics"
_READINGS = {
    "max_psi": Metric.PSI_MAX,
    "weighted_reading": Metric.PSI_WEIGHTED,
    "prediction_psi": Metric.PSI_PREDICTION,
}
"""What measure_drift says, and as which metric alarms see it."""


@dataclass
class Publication:
    """One run's publication. Metrics may be put twice by a retry, which no alarm minds; entries are written once.

    Only what the serving version did is put as a metric: a window of an earlier version must not ring for
    its successor.
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
        """The window's drift is published and recorded."""
        self._put(Metric.READING, 1)
        self._put(Metric.ROWS_MEASURED, window["rows"])
        if drift["version"] == self._serving:
            self._drift(drift)
        if latest(self.ledger, MEASURED, window["id"]) is None:
            data = {"window": window, **drift, "summary": _drift_summary(window, drift)}
            self.ledger.append(MEASURED, window["id"], data, self.at, ACTOR)

    def _drift(self, drift: Mapping[str, Any]) -> None:
        for column, psi in drift["columns"].items():
            self._put(Metric.PSI, psi, **{COLUMN_DIMENSION: column})
        for name, metric in _READINGS.items():
            if drift.get(name) is not None:
                self._put(metric, drift[name])
        if drift["judged"]:
            self._put(
                Metric.SCHEMA_BREAKS, len({name for found in drift["schema_breaks"] for name in found["columns"]})
            )

    def quality(self, windows: Iterable[Mapping[str, Any]]) -> None:
        """Each window's performance is recorded, and what is the newest of the serving version put as metrics."""
        PerformancePublication(self.at, self.spec, self.ledger, self._put, self._serving).windows(windows)

    def estimates(self, windows: Iterable[Mapping[str, Any]]) -> None:
        """What is known of windows without truth is recorded, and what is of the serving version put as metrics."""
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
