"""What trackers are told of a run: gathered from the ledger, the evaluation and the version's reports."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.ledger.kinds import (
    CANDIDATE_JUDGED,
    CANDIDATE_REGISTERED,
    DATASET_BUILT,
    TRAINING_LEASED,
    TRAINING_RELEASED,
)
from trimtab.ledger.lookup import decided, latest
from trimtab.names import RECORDS
from trimtab.ports import Entry, Ledger, ObjectStore
from trimtab.spec import Spec
from trimtab.tracking.tracked import TrackedRun, flat, numbers

_REPORTS = ("model_card.html", "record.json")


@dataclass(frozen=True)
class Told:
    """Gathers what there is of one run; a run that failed early has little."""

    spec: Spec
    ledger: Ledger
    objects: ObjectStore
    artifact: Callable[..., str]
    """URI below the model's folder in the artifacts bucket."""

    def run(self, execution: str) -> TrackedRun | None:
        """The run that an execution of the training machine was; None when it only waited."""
        leased = next((e for e in self.ledger.entries(TRAINING_LEASED) if e.data.get("execution") == execution), None)
        if leased is None:
            return None
        ended = latest(self.ledger, TRAINING_RELEASED, leased.subject)
        return self._run(leased, ended)

    def _run(self, leased: Entry, ended: Entry | None) -> TrackedRun:
        run = leased.subject
        dataset = decided(self.ledger, DATASET_BUILT, run) or {}
        judged = decided(self.ledger, CANDIDATE_JUDGED, run) or {}
        registered = decided(self.ledger, CANDIDATE_REGISTERED, run) or {}
        report = self._json(str(judged["evaluation_uri"])) if judged.get("evaluation_uri") else {}
        return TrackedRun(
            name=run,
            model=self.spec.name,
            outcome=str(ended.data["outcome"]) if ended else "Failed",
            reason=str(ended.data["reason"])[:500] if ended else "the execution ended without a word",
            started=leased.at,
            ended=ended.at if ended else leased.at,
            params=self._params(),
            metrics=_metrics(report),
            tags=_tags(leased, dataset, registered),
            dataset=str(dataset.get("dataset", "")),
            dataset_uri=str(dataset.get("manifest_uri", "")),
            files=self._files(run, report),
            version=int(registered["version"]) if registered else None,
            artifact_uri=str(registered.get("artifact_uri", "")),
        )

    def _params(self) -> dict[str, str]:
        training = self.spec.training
        said = {"seed": training.seed, "window_days": training.window_days} | training.hyperparameters
        return {name: str(value) for name, value in said.items()}

    def _files(self, run: str, report: Mapping[str, Any]) -> dict[str, bytes]:
        found = {"evaluation.json": json.dumps(report).encode()} if report else {}
        for name in _REPORTS:
            uri = self.artifact(RECORDS, run, name)
            if self.objects.head(uri):
                found[name] = self.objects.read(uri)
        return found

    def _json(self, uri: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.objects.read(uri))
        return found


def _metrics(report: Mapping[str, Any]) -> dict[str, float]:
    """The candidate's metrics by name; those of the baseline and the champion, and intervals, with a prefix."""
    by, intervals = report.get("metrics") or {}, (report.get("intervals") or {}).get("candidate") or {}
    found = numbers(by.get("candidate") or {})
    for who in ("baseline", "champion"):
        found |= {f"{who}.{name}": value for name, value in numbers(by.get(who) or {}).items()}
    for name, ends in flat(intervals):
        if isinstance(ends, list) and len(ends) == 2:
            found |= {f"{name}.{end}": float(value) for end, value in zip(("lo", "hi"), ends, strict=True)}
    return found


def _tags(leased: Entry, dataset: Mapping[str, Any], registered: Mapping[str, Any]) -> dict[str, str]:
    properties = registered.get("properties") or {}
    said = {
        "trimtab.cause": leased.data.get("cause"),
        "trimtab.requested_by": leased.data.get("requested_by"),
        "trimtab.dataset": dataset.get("dataset"),
        "trimtab.code_sha256": properties.get("code_sha256"),
        "trimtab.record_sha256": properties.get("record_sha256"),
        "trimtab.image": properties.get("image"),
    }
    return {name: str(value) for name, value in said.items() if value}
