"""Measures how far a window has moved from its version's baseline; called by the monitoring machine."""

import json
from typing import Any

from trimtab.contracts import Event, Window
from trimtab.data.profile import Profile
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.monitoring.drift import Drift, baseline_of, measure
from trimtab.monitoring.tables import read_records
from trimtab.rollout.conclusion import BASELINE


class MeasureDriftEvent(Event):
    """A window with records."""

    window: Window


@entrypoint(MeasureDriftEvent)
def handler(event: MeasureDriftEvent, runtime: Runtime) -> dict[str, Any]:
    """drift.json lies beside the window; nothing is judged on too few rows or without a baseline."""
    window, limit = event.window, runtime.spec.monitoring.psi_limit
    drift, reason = _measured(window, runtime)
    report_uri = runtime.capture("windows", window.id, "drift.json")
    report = {"window": window.to_json(), "psi_limit": limit, **drift.to_json()}
    runtime.objects.write(report_uri, json.dumps(report).encode(), "application/json")
    psi = drift.psi
    return {
        "judged": bool(psi),
        "reason": reason,
        "version": window.version,
        "max_psi": drift.reading(limit),
        "drifted": drift.drifted,
        "columns": psi,
        "prediction_psi": drift.prediction_reading,
        "separation_auc": drift.separation.auc if drift.separation else None,
        "report_uri": report_uri,
    }


def _measured(window: Window, runtime: Runtime) -> tuple[Drift, str]:
    """The drift, and in words why it was not judged where it was not."""
    published = [entry.data for entry in runtime.ledger.entries(BASELINE)]
    baseline = baseline_of(published, window.version)
    if baseline is None:
        return Drift(window.rows), f"version {window.version} has no published baseline"
    drift = measure(
        read_records(runtime.objects, window.uri),
        window.version,
        Profile.loads(runtime.objects.read(baseline["baseline_uri"])),
        Profile.loads(runtime.objects.read(baseline["scores_profile_uri"])),
        runtime.spec,
    )
    return drift, "" if drift.columns else f"{drift.rows} rows, fewer than {runtime.spec.monitoring.min_rows}"
