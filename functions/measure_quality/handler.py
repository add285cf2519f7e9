"""Measures performance on the windows whose truth has come; called by the monitoring machine."""

import json
from typing import Any

from trimtab.contracts import Event, Message
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.monitoring.collect import COLLECTED
from trimtab.monitoring.drift import baseline_of
from trimtab.monitoring.losses import FILE as LOSSES
from trimtab.monitoring.losses import losses_by_version
from trimtab.monitoring.quality import Quality, measure_window
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
    published = [entry.data for entry in runtime.ledger.entries(BASELINE)]
    windows = []
    for joined in event.joined:
        records = read_records(runtime.objects, joined.uri)
        found = _measure(joined, records, versions[joined.window], published, runtime)
        report = found.to_json() | {"coverage": joined.coverage}
        uri = runtime.capture("windows", joined.window, "quality.json")
        runtime.objects.write(uri, json.dumps(report).encode(), "application/json")
        losses = json.dumps(losses_by_version(records, runtime.spec.problem)).encode()
        runtime.objects.write(runtime.capture("windows", joined.window, LOSSES), losses, "application/json")
        windows.append(report)
    return {"windows": windows}


def _measure(joined: Joined, records: Any, version: int, published: list[Any], runtime: Runtime) -> Quality:
    baseline = baseline_of(published, version) or {"metrics": {}}
    return measure_window(joined.window, records, version, baseline["metrics"], runtime.spec)
