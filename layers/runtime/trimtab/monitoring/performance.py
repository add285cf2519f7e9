"""Performance and bias of stored windows: estimated when they are collected, measured when their truth comes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from trimtab.contracts import Window
from trimtab.data.profile import Profile
from trimtab.evaluation.json_values import finite
from trimtab.ledger.kinds import BASELINE_PUBLISHED, PERFORMANCE_ESTIMATED, QUALITY_MEASURED, WINDOW_COLLECTED
from trimtab.measures import BINARY
from trimtab.monitoring.bias import FILE as BIAS
from trimtab.monitoring.bias import Bias, Tally, judge, pooled
from trimtab.monitoring.drift import baseline_of
from trimtab.monitoring.estimate import estimate, held_against, track_record
from trimtab.monitoring.losses import FILE as LOSSES
from trimtab.monitoring.losses import losses_by_version
from trimtab.monitoring.parts import parts_of, whole_of
from trimtab.monitoring.quality import measure_window
from trimtab.monitoring.reference import Reference
from trimtab.monitoring.seen import Seen, Windows
from trimtab.monitoring.slices import SHOWN
from trimtab.ports import Entry, Ledger, ObjectStore
from trimtab.spec import Spec

Json = dict[str, Any]


@dataclass(frozen=True)
class WindowPerformance:
    """Measures windows of one model."""

    spec: Spec
    objects: ObjectStore
    ledger: Ledger
    window_uri: Callable[..., str]
    """URI of a file of a window, by window id and file name."""

    @property
    def _windows(self) -> Windows:
        return Windows(self.spec, self.objects)

    def estimated(self, window: Window) -> Json:
        """What is known of a window without its truth; estimate.json and bias.json lie beside it."""
        reference, scores = self._reference(window.version)
        seen = self._windows.read(window.id, window.uri, window.rows, window.version, reference)
        found = estimate(seen.records, reference, scores, self.spec)
        bias = self._bias(window.id, window.version, seen)
        report = {
            "window": window.id,
            "version": window.version,
            **found.to_json(),
            "rows": seen.rows,
            "unusable": seen.unusable,
            **bias.summary(),
            "track_record": track_record(self._held(window.version)),
            "period": {"start": window.start.isoformat(), "end": window.end.isoformat()},
        }
        self._write(window.id, "estimate.json", report)
        return report

    def joined(self, window: str, uri: str) -> list[Json]:
        """What the truth of a joined window says of each version that has answered enough; losses.json lies beside it.

        Raises KeyError for a window that nobody has collected.
        """
        collected = Window.model_validate(self._collected()[window].data)
        return [self.measured(part, uri) for part in parts_of(collected, self.spec.monitoring.min_rows)]

    def measured(self, window: Window, uri: str) -> Json:
        """What truth says of one version's answers; quality.json and bias.json lie beside the window.

        The slices that are no news are left to the file.
        """
        reference, _ = self._reference(window.version)
        seen = self._windows.read(window.id, uri, window.rows, window.version, reference)
        coverage = seen.labelled / seen.rows if seen.rows else 0.0
        found = measure_window(window.id, seen.records, window.version, reference, self.spec, coverage)
        positives = seen.positives if self.spec.problem == BINARY else None
        counted = replace(found, rows=seen.rows, n=seen.labelled, unusable=seen.unusable, positives=positives)
        value = found.metrics.get(self.spec.monitoring.quality.metric)
        report = counted.to_json() | {
            "metric": self.spec.monitoring.quality.metric,
            "drop_in": self.spec.monitoring.quality.drop_in,
            "coverage": coverage,
            "asked": {"start": window.start.isoformat(), "end": window.end.isoformat()},
            "estimate": self._estimate_of(window.id, value),
            **self._bias(window.id, window.version, seen).summary(),
        }
        self._write(window.id, "quality.json", report)
        if whole_of(window.id) == window.id:  # losses are those of all versions
            self._write(window.id, LOSSES, losses_by_version(seen.losing, self.spec.problem))
        return report | {"slices": report["slices"][:SHOWN]}

    def _bias(self, window: str, version: int, seen: Seen) -> Bias:
        """Of the window and as many before it as the spec asks for; the window's own counts are kept."""
        if not self.spec.protected:
            return judge(Tally(), self.spec)
        found = judge(pooled(seen.tally, self._earlier(window, version), self.spec), self.spec)
        self._write(window, BIAS, {"own": seen.tally.to_json(), **found.to_json()})
        return found

    def _earlier(self, window: str, version: int) -> Iterator[Tally]:
        """Counts of the version's windows before this one, newest first; of those that were ever counted."""
        collected = self._collected()
        place = {name: entry.seq for name, entry in collected.items()}
        counted = [
            entry.subject
            for entry in self.ledger.entries(PERFORMANCE_ESTIMATED)
            if entry.data["version"] == version and entry.data["bias_windows"]
        ]
        before = [name for name in counted if place[whole_of(name)] < place[whole_of(window)]]
        for name in sorted(before, key=lambda name: place[whole_of(name)], reverse=True):
            yield Tally.from_json(json.loads(self.objects.read(self.window_uri(name, BIAS)))["own"])

    def _collected(self) -> dict[str, Entry]:
        return {entry.subject: entry for entry in self.ledger.entries(WINDOW_COLLECTED)}

    def _reference(self, version: int) -> tuple[Reference, Profile | None]:
        """What the version's evaluation has found, and how it scored; nothing without a published baseline."""
        baseline = baseline_of([entry.data for entry in self.ledger.entries(BASELINE_PUBLISHED)], version)
        if baseline is None:
            return Reference(), None
        evaluation, scores = baseline.get("evaluation_uri"), baseline.get("scores_profile_uri")
        found = json.loads(self.objects.read(evaluation)) if evaluation else None
        profile = Profile.loads(self.objects.read(scores)) if scores else None
        return Reference.of(baseline["metrics"], found), profile

    def _estimate_of(self, window: str, realised: float | None) -> Json | None:
        """The estimate made before truth came, and what came; None for a window that none was made for."""
        made = [entry.data for entry in self.ledger.entries(PERFORMANCE_ESTIMATED, window)]
        if not made or made[-1]["estimate"] is None:
            return None
        shown = {"value": made[-1]["estimate"], "interval": made[-1]["interval"]}
        return shown | {"later": held_against(made[-1], realised)}

    def _held(self, version: int) -> list[Json]:
        """How the version's earlier estimates have done, of each window what its newest truth says."""
        measured = {entry.subject: entry.data for entry in self.ledger.entries(QUALITY_MEASURED)}
        mine = [data.get("estimate") or {} for data in measured.values() if data["version"] == version]
        return [found["later"] for found in mine if found.get("later")]

    def _write(self, window: str, name: str, report: Any) -> None:
        body = json.dumps(finite(report), allow_nan=False).encode()
        self.objects.write(self.window_uri(window, name), body, "application/json")
