"""The search for hyperparameters: what it is after, what it begins with, and what has come of it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from trimtab.errors import SearchFailed
from trimtab.ledger.kinds import SEARCH_ENDED
from trimtab.ledger.lookup import decided
from trimtab.measures import METRICS
from trimtab.ports import Ledger, ObjectStore
from trimtab.reports.search_report import search_page
from trimtab.spec import Spec
from trimtab.spec.prices import AS_OF, CURRENCY
from trimtab.spec.tuning import TuningSpec
from trimtab.training.failure import understand
from trimtab.training.trials import Searches, Trial

ACTOR = "read_search"


def objective(spec: Spec) -> str:
    """The metric that a search improves."""
    return _tuning(spec).objective or spec.evaluation.primary


def direction(spec: Spec) -> str:
    """Maximize or Minimize, as SageMaker says it."""
    return "Maximize" if METRICS[objective(spec)].higher_is_better else "Minimize"


def parent(ledger: Ledger, spec: Spec) -> str | None:
    """The last search that had the same goal and the same hyperparameters, if this one is to learn from it."""
    if _tuning(spec).warm_start == "never":
        return None
    same = [entry for entry in ledger.entries(SEARCH_ENDED) if entry.data.get("space") == space_digest(spec)]
    return str(same[-1].data["job"]) if same else None


def space_digest(spec: Spec) -> str:
    """Changes with the goal, the searched names and their kinds: what SageMaker asks a warm start to share."""
    tuning = _tuning(spec)
    fixed = sorted(set(spec.training.hyperparameters) - set(tuning.ranges))
    shared = [objective(spec), sorted(tuning.ranges), fixed]
    return hashlib.sha256(json.dumps(shared).encode()).hexdigest()


def _tuning(spec: Spec) -> TuningSpec:
    if spec.training.tuning is None:
        raise SearchFailed("model.yaml has no training.tuning: there is nothing to search; deploy the model again")
    return spec.training.tuning


@dataclass(frozen=True)
class Search:
    """A search that has ended."""

    spec: Spec
    run: str
    job: str
    folder_uri: str
    ledger: Ledger
    objects: ObjectStore

    def conclude(self, searches: Searches, at: datetime, failure: str = "") -> dict[str, Any]:
        """What it found, once it is reported and recorded. Raises SearchFailed; the report is there all the same.

        ``failure`` is the error in which the search ended, if it did: its trials say more, if there are any.
        """
        if found := decided(self.ledger, SEARCH_ENDED, self.job):
            return _answer(found)
        trials = searches.trials(self.job)
        if failure and not trials:
            raise SearchFailed(understand(failure).message)
        result = self._result(trials)
        self._report(result)
        self._check(trials)
        kept = {name: value for name, value in result.items() if name != "trials"}
        self.ledger.append(SEARCH_ENDED, self.job, kept | {"summary": self._summary(result)}, at, ACTOR)
        return _answer(result)

    def _result(self, trials: Sequence[Trial]) -> dict[str, Any]:
        best = best_of(trials, direction(self.spec))
        seconds = sum(trial.seconds or 0.0 for trial in trials)
        return {
            "run": self.run,
            "job": self.job,
            "space": space_digest(self.spec),
            "strategy": _tuning(self.spec).strategy,
            "metric": objective(self.spec),
            "direction": direction(self.spec),
            "best": dict(best.hyperparameters) if best else None,
            "value": best.value if best else None,
            "tried": len(trials),
            "failed": sum(has_failed(trial) for trial in trials),
            "seconds": seconds,
            "cost": self._cost(seconds),
            "trials": [asdict(trial) for trial in trials],
        }

    def _cost(self, seconds: float) -> dict[str, Any] | None:
        """What the trials cost at the list price, for the time that they ran."""
        training = self.spec.training
        if training.trial_price is None:
            return None
        per_second = training.trial_price / (60 * training.trial_minutes)
        return {"amount": round(seconds * per_second, 4), "currency": CURRENCY, "prices_of": AS_OF}

    def _report(self, result: Mapping[str, Any]) -> None:
        body = json.dumps(result, indent=1).encode()
        self.objects.write(f"{self.folder_uri}/search.json", body, "application/json")
        page = search_page(self.spec.name, result).encode()
        self.objects.write(f"{self.folder_uri}/search.html", page, "text/html; charset=utf-8")

    def _check(self, trials: Sequence[Trial]) -> None:
        failed, allowed = [t for t in trials if has_failed(t)], _tuning(self.spec).max_failed_share
        if trials and len(failed) / len(trials) > allowed:
            first = failed[0].failure or "no reason given"
            raise SearchFailed(
                f"{len(failed)} of {len(trials)} trials failed, more than max_failed_share {allowed:g} allows. "
                f"The first, {failed[0].name}: {first}"
            )
        if best_of(trials, direction(self.spec)) is None:
            raise SearchFailed(
                f"none of {len(trials)} trials of {self.job} gave a value; see {self.folder_uri}/search.html"
            )

    def _summary(self, result: Mapping[str, Any]) -> str:
        best = ", ".join(f"{name}={text}" for name, text in sorted(result["best"].items()))
        failed = f", {result['failed']} failed" if result["failed"] else ""
        return f"search: {result['metric']} {result['value']:.4f} with {best} ({result['tried']} trials{failed})"[:500]


def has_failed(trial: Trial) -> bool:
    """Whether it ended without having measured anything; one that was stopped early has measured something."""
    return trial.status == "Failed" or (trial.status in ("Completed", "Stopped") and trial.value is None)


def best_of(trials: Sequence[Trial], towards: str) -> Trial | None:
    """The trial with the best value; the earlier one of equals."""
    measured = [trial for trial in trials if trial.value is not None]
    sign = -1.0 if towards == "Maximize" else 1.0
    return min(measured, key=lambda trial: sign * (trial.value or 0.0), default=None)


def _answer(result: Mapping[str, Any]) -> dict[str, Any]:
    return {name: result[name] for name in ("best", "value", "metric", "tried", "failed", "job")}
