"""The drift of a stored window: what it needs is read, what later windows need of it is written."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from trimtab.contracts import Window
from trimtab.data.profile import Profile
from trimtab.ledger.kinds import BASELINE_PUBLISHED, BASELINE_RECONSIDERED, DROP_ACCEPTED, WINDOW_MEASURED
from trimtab.monitoring.drift.baseline import SCORE_COLUMN, SEASONS, Baseline, baseline_of, beside, read_baseline
from trimtab.monitoring.drift.measure import measure
from trimtab.monitoring.drift.observed import Observed
from trimtab.monitoring.drift.result import Drift, period_json
from trimtab.monitoring.drift.seasons import Reference, Season, Seasons
from trimtab.monitoring.reconsidered import PROFILE, SCORES, in_force
from trimtab.monitoring.records import ROW, SCORE, TIME, VERSION, record_columns
from trimtab.monitoring.tables import record_batches
from trimtab.ports import Ledger, ObjectStore
from trimtab.spec import Spec

REPORT = "drift.json"
_DIGITS = 6


@dataclass(frozen=True)
class WindowDrift:
    """Measures windows of one model."""

    spec: Spec
    objects: ObjectStore
    ledger: Ledger
    window_uri: Callable[..., str]
    """URI of a file of a window, by window id and file name."""

    def measured(self, window: Window) -> dict[str, Any]:
        """What publish_metrics needs of the drift; drift.json and profile.json lie beside the window.

        Nothing is judged on too few rows or without a baseline.
        """
        observed = self._observed(window)
        published = baseline_of([entry.data for entry in self.ledger.entries(BASELINE_PUBLISHED)], window.version)
        if published is None:
            drift, reason = Drift(observed.rows), f"version {window.version} has no published baseline"
        else:
            drift = self._drift(window, observed, published)
            least = self.spec.monitoring.min_rows
            reason = "" if drift.columns else f"{drift.rows} rows, fewer than {least}"
        uri = self._write(window, REPORT, self._report(window, drift))
        self.objects.write(self.window_uri(window.id, PROFILE), observed.profile.dumps(), "application/json")
        scores = Profile(observed.rows, {SCORE_COLUMN: observed.scores})
        self.objects.write(self.window_uri(window.id, SCORES), scores.dumps(), "application/json")
        return self._gist(window, drift, reason, observed.requests) | {"report_uri": uri}

    def _observed(self, window: Window) -> Observed:
        """What the window's rows look like, read a part at a time."""
        columns = [*record_columns(self.spec.data), ROW, SCORE, TIME, VERSION]
        return Observed.of_parts(record_batches(self.objects, window.uri, columns), window.version, self.spec)

    def _drift(self, window: Window, observed: Observed, published: Any) -> Drift:
        baseline = read_baseline(self.objects, published)
        if word := in_force(self.ledger.entries(BASELINE_RECONSIDERED), window.version):
            profile, scores = (self._profile(word[f"{name}_uri"]) for name in ("baseline", "scores_profile"))
            baseline = replace(baseline, profile=profile, scores=scores)
            reference = Reference(baseline.profile, f"window {word['window']}, as {word['by']} has said")
        else:
            reference = self._reference(baseline, published["baseline_uri"], observed)
        return measure(observed, baseline, self.spec, reference, self._previous(window))

    def _reference(self, baseline: Baseline, baseline_uri: str, observed: Observed) -> Reference:
        if self.spec.monitoring.reference != "same_period":
            return Reference(baseline.profile)
        drops = [entry for entry in self.ledger.entries(DROP_ACCEPTED) if entry.kind == DROP_ACCEPTED]
        seasons = self._seasons(beside(baseline_uri, SEASONS))
        return Season(self.spec, baseline.profile, seasons, drops, self._profile).reference(observed.period)

    def _seasons(self, uri: str) -> Seasons | None:
        """None for a dataset that was built before the spec asked for a season."""
        try:
            return Seasons.loads(self.objects.read(uri))
        except FileNotFoundError:
            return None

    def _profile(self, uri: str) -> Profile:
        return Profile.loads(self.objects.read(uri))

    def _previous(self, window: Window) -> Profile | None:
        """Profile of the version's last window that was judged and had no break; None before the first, or once it
        has expired with the captured traffic."""
        earlier = [
            entry.subject
            for entry in self.ledger.entries(WINDOW_MEASURED)
            if entry.subject != window.id
            and entry.data.get("version") == window.version
            and entry.data.get("judged")
            and entry.data.get("schema_breaks") == []
        ]
        try:
            return self._profile(self.window_uri(earlier[-1], PROFILE)) if earlier else None
        except FileNotFoundError:
            return None

    def _report(self, window: Window, drift: Drift) -> dict[str, Any]:
        monitoring = self.spec.monitoring
        limits = {"psi_limit": monitoring.psi_limit, "prediction_psi_limit": monitoring.prediction_psi_limit}
        return {"window": window.to_json(), **limits, "drift_by": monitoring.drift_by, **drift.to_json()}

    def _write(self, window: Window, name: str, document: dict[str, Any]) -> str:
        uri = self.window_uri(window.id, name)
        self.objects.write(uri, json.dumps(document).encode(), "application/json")
        return uri

    def _gist(self, window: Window, drift: Drift, reason: str, requests: int) -> dict[str, Any]:
        limit, psi, captured = self.spec.monitoring.psi_limit, drift.psi, requests + window.unreadable
        weighted, scores = drift.weighted(limit), drift.prediction_estimate
        return {
            "judged": bool(psi),
            "reason": reason,
            "version": window.version,
            "max_psi": drift.reading(limit),
            "drifted": drift.drifted,
            "columns": psi,
            "errors": {name: _short(found.error) for name, found in drift.estimates.items()},
            "corrected": {name: _short(found.value) for name, found in drift.estimates.items()},
            "prediction_psi": drift.prediction_reading,
            "prediction_value": scores and scores.value,
            "prediction_error": scores and scores.error,
            "weighted_psi": weighted and weighted.value,
            "weighted_error": weighted and weighted.error,
            "weighted_reading": drift.weighted_reading(limit),
            "importance": {name: _short(weight) for name, weight in drift.importance.items()} if drift.weights else {},
            "schema_breaks": [found.to_json() for found in drift.breaks],
            "reference": drift.reference,
            "reference_reason": drift.reference_reason,
            "period": period_json(drift.period),
            "quality": _beyond(drift),
            "unreadable": window.unreadable / captured if captured else None,
            "separation_auc": drift.separation.auc if drift.separation else None,
            "separation_columns": dict(drift.separation.columns) if drift.separation else {},
        }


def _short(value: float) -> float:
    """Enough digits for a reading, and few enough for hundreds of columns in one entry."""
    return float(f"{value:.{_DIGITS}g}")


def _beyond(drift: Drift) -> dict[str, Any]:
    """Share by column of the contract's rules that surely are broken more often than a drop may break them."""
    found: dict[str, Any] = {}
    for rule in drift.quality:
        if rule["beyond"]:
            found.setdefault(rule["column"], {})[rule["rule"]] = _short(rule["share"])
    return found
