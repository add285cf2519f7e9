"""Measures performance on the windows whose truth has come; called by the monitoring machine."""

import json
from typing import Any

from trimtab.contracts import Event, Message
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.monitoring.collect import COLLECTED
from trimtab.monitoring.drift import baseline_of
from trimtab.monitoring.losses import FILE as LOSSES
from trimtab.monitoring.losses import losses_by_version
from trimtab.monitoring.quality import measure_window
from trimtab.monitoring.reference import Reference
from trimtab.monitoring.slices import SHOWN
from trimtab.monitoring.tables import read_records
from trimtab.rollout.conclusion import BASELINE


class Joined(Message):
    """A window whose truth is known in part or whole."""

    window: str
    uri: str
    rows: int
    coverage: float


class MeasureQualityEvent(Event):
    """The windows that join_truth has just joined."""

    joined: tuple[Joined, ...] = ()


@entrypoint(MeasureQualityEvent)
def handler(event: MeasureQualityEvent, runtime: Runtime) -> dict[str, Any]:
    """quality.json and losses.json lie beside every joined window."""
    versions = {entry.subject: int(entry.data["version"]) for entry in runtime.ledger.entries(COLLECTED)}
    references: dict[int, Reference] = {}
    windows = []
    for joined in event.joined:
        version = versions[joined.window]
        reference = references.setdefault(version, _reference(version, runtime))
        windows.append(_measure(joined, version, reference, runtime))
    return {"windows": windows}


def _measure(joined: Joined, version: int, reference: Reference, runtime: Runtime) -> dict[str, Any]:
    """What the machine carries on of a window: its report without the slices that are no news."""
    records = read_records(runtime.objects, joined.uri)
    found = measure_window(joined.window, records, version, reference, runtime.spec)
    report = found.to_json() | {"coverage": joined.coverage}
    _write(joined.window, "quality.json", report, runtime)
    _write(joined.window, LOSSES, losses_by_version(records, runtime.spec.problem), runtime)
    return report | {"slices": report["slices"][:SHOWN]}


def _write(window: str, name: str, report: Any, runtime: Runtime) -> None:
    uri = runtime.capture("windows", window, name)
    runtime.objects.write(uri, json.dumps(report, allow_nan=False).encode(), "application/json")


def _reference(version: int, runtime: Runtime) -> Reference:
    """What the version's evaluation has found; nothing when it has no published baseline."""
    baseline = baseline_of([entry.data for entry in runtime.ledger.entries(BASELINE)], version)
    if baseline is None:
        return Reference()
    uri = baseline.get("evaluation_uri")
    return Reference.of(baseline["metrics"], json.loads(runtime.objects.read(uri)) if uri else None)
