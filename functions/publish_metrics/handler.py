"""Publishes what a monitoring run has measured; last step of the monitoring machine."""

from typing import Any

from pydantic import Field

from trimtab.contracts import Event, Message, Window
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.monitoring.parts import parts_of
from trimtab.monitoring.publish import Publication


class Drift(Message):
    """What measure_drift found."""

    judged: bool
    version: int
    max_psi: float | None
    drifted: tuple[str, ...]
    columns: dict[str, float]
    prediction_psi: float | None
    report_uri: str
    errors: dict[str, float] = Field(default_factory=dict)
    """Standard error of the PSI by column."""
    corrected: dict[str, float] = Field(default_factory=dict)
    """PSI by column less what chance adds to it."""
    prediction_value: float | None = None
    prediction_error: float | None = None
    weighted_psi: float | None = None
    weighted_error: float | None = None
    weighted_reading: float | None = None
    importance: dict[str, float] = Field(default_factory=dict)
    schema_breaks: tuple[dict[str, Any], ...] = ()
    reference: str = "training"
    reference_reason: str = ""
    period: dict[str, str] | None = None
    quality: dict[str, Any] = Field(default_factory=dict)
    unreadable: float | None = None
    separation_auc: float | None = None
    separation_columns: dict[str, float] = Field(default_factory=dict)
    reason: str = ""
    others: tuple["Drift", ...] = ()
    """Of the window's other versions that have answered enough."""

    def said(self) -> dict[str, Any]:
        """What is said of this version."""
        return {name: value for name, value in self.to_json().items() if name != "others"}


class Measured(Message):
    """What measure_quality found."""

    windows: tuple[dict[str, Any], ...] = ()
    estimates: tuple[dict[str, Any], ...] = ()
    """Of the window whose truth is not there yet."""


class PublishMetricsEvent(Event):
    """A run's measurements; a run without new traffic has neither window nor drift."""

    window: Window | None = None
    drift: Drift | None = None
    quality: Measured = Measured()
    more: bool = False
    """Whether another turn of this run follows: alarms see a run when it has ended."""


@entrypoint(PublishMetricsEvent)
def handler(event: PublishMetricsEvent, runtime: Runtime) -> dict[str, Any]:
    """CloudWatch has the readings of the version that serves, and the ledger all of them."""
    publication = Publication(event.at, runtime.spec, runtime.ledger, runtime.metrics)
    if event.window is not None and event.drift is not None:
        parts = parts_of(event.window, runtime.spec.monitoring.min_rows)
        for window, drift in zip(parts, (event.drift, *event.drift.others), strict=True):
            publication.window(window.to_json(), drift.said())
    publication.estimates(event.quality.estimates)
    publication.quality(event.quality.windows)
    if not event.more:
        publication.readings()
    return {"outcome": "Measured", "metrics": publication.count}
