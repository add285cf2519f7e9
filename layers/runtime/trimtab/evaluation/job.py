"""The evaluation job: candidate, champion and a simple baseline on the same hold-out rows.

    evaluate.py [--base /opt/ml/processing] [--run RUN]

reads ``candidate/`` and, when there is one, ``champion/`` (model.tar.gz), ``holdout/`` and ``train/`` (Parquet) and
the spec beside evaluate.py; writes evaluation.json, golden.jsonl and scores_profile.json to ``evaluation/``.
"""

import argparse
import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trimtab.data.profile import NumberProfile, Profile
from trimtab.errors import DataError
from trimtab.evaluation import bootstrap, importance, scoring
from trimtab.evaluation.artifact import Artifact, find_archive, unpack
from trimtab.evaluation.audit import audit
from trimtab.evaluation.baseline import BASELINES
from trimtab.evaluation.directions import METRIC_NAMES
from trimtab.evaluation.holdout import Record, Rows
from trimtab.evaluation.metrics import Floats
from trimtab.evaluation.slices import measure_slices

BASE = Path("/opt/ml/processing")
JOB_FILE = Path("/opt/ml/config/processingjobconfig.json")
GOLDEN_ROWS = 100
LATENCY_ROWS = 50
SCHEMA = 1
Json = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What is to be judged, and on what."""

    spec: Json
    run: str
    holdout: Rows
    train: Rows
    candidate: Artifact
    champion: Artifact | None
    work: Path

    @property
    def seed(self) -> int:
        return int(self.spec["training"]["seed"])


@dataclass(frozen=True)
class Scores:
    """What each model makes of the hold-out, shape (n,) each."""

    candidate: Floats
    baseline: Floats
    champion: Floats | None
    champion_error: str | None
    shuffled: Floats
    """Candidate on the importance sample with one feature shuffled, shape (features, sample)."""
    answers: list[Record]
    latencies_ms: Floats


def main(code: Path, arguments: Sequence[str] | None = None) -> None:
    """The three files stand in the output folder; ``code`` holds model.json."""
    parser = argparse.ArgumentParser(description="Judge a candidate against its hold-out.")
    parser.add_argument("--base", type=Path, default=BASE)
    parser.add_argument("--run", default=None)
    options = parser.parse_args(arguments)
    spec = json.loads((code / "model.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as work:
        task = open_task(spec, options.base, options.run or run_of_job(), Path(work))
        evaluate(task, options.base / "evaluation")


def run_of_job() -> str:
    """The run whose evaluation this processing job is, from SageMaker's own description of the job."""
    name = json.loads(JOB_FILE.read_text(encoding="utf-8"))["ProcessingJobName"]
    return str(name).removesuffix("-eval")


def open_task(spec: Json, base: Path, run: str, work: Path) -> Task:
    """The job's inputs, opened. Raises DataError when one is missing or broken."""
    archive, old = find_archive(base / "candidate"), find_archive(base / "champion")
    if archive is None:
        raise DataError(f"no model archive in {base / 'candidate'}: is the input set to the training job's output?")
    return Task(
        spec=spec,
        run=run,
        holdout=Rows.read(base / "holdout", spec["data"]),
        train=Rows.read(base / "train", spec["data"]),
        candidate=unpack(archive, work / "candidate"),
        champion=unpack(old, work / "champion") if old else None,
        work=work,
    )


def evaluate(task: Task, output: Path) -> Json:
    """The report, also written to ``output`` with the golden records and the scores' profile."""
    contract = json.loads((task.candidate.folder / "contract.json").read_text(encoding="utf-8"))
    features = [feature["name"] for feature in contract["features"]]
    scores = score(task, features)
    report = build_report(task, scores, features)
    output.mkdir(parents=True, exist_ok=True)
    _write_json(output / "evaluation.json", report)
    _write_golden(output / "golden.jsonl", task, scores, features)
    column = NumberProfile.of(_arrow(scores.candidate))
    (output / "scores_profile.json").write_bytes(Profile(len(scores.candidate), {"score": column}).dumps())
    return report


def score(task: Task, features: list[str]) -> Scores:
    """All models' scores; candidate and champion run side by side while the baseline is fitted here."""
    candidate = scoring.start(task.candidate, task.work / "candidate.jsonl", LATENCY_ROWS)
    champion = scoring.start(task.champion, task.work / "champion.jsonl", 0) if task.champion else None
    names, n = [task.spec["data"]["id"], *features], len(task.holdout)
    sample = importance.sample(n, task.seed)
    shuffled = importance.shuffled_blocks(task.holdout.records(names, sample), features, task.seed)
    total = scoring.send(candidate, [task.holdout.records(names), *shuffled])
    if champion:
        scoring.send(champion, [task.holdout.records(task.holdout.table.column_names)])
    baseline = score_baseline(task, features)
    answers = candidate.finish(total)
    old, problem = _finish_champion(champion, n)
    return Scores(
        candidate=answers.scores[:n],
        baseline=baseline,
        champion=old,
        champion_error=problem,
        shuffled=answers.scores[n:].reshape(len(features), len(sample)),
        answers=answers.records[:n],
        latencies_ms=answers.latencies_ms,
    )


def _finish_champion(champion: scoring.Scoring | None, n: int) -> tuple[Floats | None, str | None]:
    """A champion that cannot score today's rows is a finding for the gate, not a failure of the job."""
    if champion is None:
        return None, None
    try:
        return champion.finish(n).scores, None
    except DataError as error:
        return None, str(error)


def score_baseline(task: Task, features: list[str]) -> Floats:
    """The spec's baseline, fitted on the train channel, on the hold-out."""
    fitted = BASELINES[task.spec["evaluation"]["baseline"]]
    learned = [name for name in features if task.spec["data"]["columns"][name]["type"] != "timestamp"]
    train, holdout = ({name: rows.column(name) for name in learned} for rows in (task.train, task.holdout))
    return fitted(train, task.train.label, holdout)


def build_report(task: Task, scores: Scores, features: list[str]) -> Json:
    """evaluation.json as JSON values; what could not be measured is null."""
    rule = task.spec["evaluation"]
    settings = {
        "rounds": rule["bootstrap_rounds"],
        "confidence": rule["champion"]["confidence"],
        "seed": task.seed,
    }
    label = task.holdout.label
    whole = bootstrap.resample(label, {"candidate": scores.candidate, "baseline": scores.baseline}, **settings)
    report = _header(task, scores) | {
        "metrics": {model: whole.points[model] for model in ("candidate", "baseline")},
        "intervals": {model: _intervals(whole, model) for model in ("candidate", "baseline")},
        "paired": {"baseline": _paired(whole, "baseline")},
        "slices": measure_slices({name: task.holdout.column(name) for name in rule["slices"]}, label, scores.candidate),
        "importance": measure_importance(task, scores, features),
        "bootstrap": {"rounds": settings["rounds"], "confidence": settings["confidence"], "method": bootstrap.METHOD},
    }
    report |= audit(task.spec, task.holdout, scores.candidate)
    return _with_champion(report, task, scores, settings)


def _header(task: Task, scores: Scores) -> Json:
    p50, p99 = np.percentile(scores.latencies_ms, (50, 99)) if len(scores.latencies_ms) else (math.nan, math.nan)
    return {
        "schema": SCHEMA,
        "run": task.run,
        "problem": task.spec["problem"],
        "n": len(task.holdout),
        "positives": int(task.holdout.label.sum()),
        "period": task.holdout.period,
        "size_bytes": task.candidate.size_bytes,
        "latency_ms_p50": float(p50),
        "latency_ms_p99": float(p99),
        "latency_rows": len(scores.latencies_ms),
        "artifact_sha256": task.candidate.sha256,
        "seed": task.seed,
    }


def _with_champion(report: Json, task: Task, scores: Scores, settings: Json) -> Json:
    """The champion is compared on the rows that neither model has learned from."""
    nothing = {"metrics": None, "intervals": None, "paired": None}
    found: Json = dict(nothing)
    unseen = np.zeros(len(task.holdout), dtype=bool)
    if scores.champion is not None and task.champion is not None:
        learned = json.loads((task.champion.folder / "contract.json").read_text(encoding="utf-8"))
        unseen = task.holdout.after(learned.get("trained_until"))
        both = {"candidate": scores.candidate[unseen], "champion": scores.champion[unseen]}
        pair = bootstrap.resample(task.holdout.label[unseen], both, **settings)
        found["metrics"], found["intervals"] = pair.points["champion"], _intervals(pair, "champion")
        found["paired"] = _paired(pair, "champion")
    merged = {key: report[key] | {"champion": found[key]} for key in nothing}
    comparison = {"rows": int(unseen.sum()), "error": scores.champion_error, "present": task.champion is not None}
    return report | merged | {"champion": comparison}


def _intervals(measured: bootstrap.Resampled, model: str) -> dict[str, list[float]]:
    estimates = {metric: measured.interval(model, metric) for metric in METRIC_NAMES}
    return {metric: [estimate.lo, estimate.hi] for metric, estimate in estimates.items()}


def _paired(measured: bootstrap.Resampled, other: str) -> dict[str, dict[str, float]]:
    estimates = {metric: measured.difference("candidate", other, metric) for metric in METRIC_NAMES}
    return {metric: {"difference": e.value, "lo": e.lo, "hi": e.hi} for metric, e in estimates.items()}


def measure_importance(task: Task, scores: Scores, features: list[str]) -> dict[str, float]:
    """AUC lost by feature on the importance sample."""
    sample = importance.sample(len(task.holdout), task.seed)
    return importance.importance(features, task.holdout.label[sample], scores.candidate[sample], scores.shuffled)


def _write_golden(path: Path, task: Task, scores: Scores, features: list[str]) -> None:
    """Rows spread evenly over the range of scores, each as a request and the answer it must get."""
    order = np.argsort(scores.candidate, kind="stable")
    chosen = np.unique(order[np.linspace(0, len(order) - 1, min(GOLDEN_ROWS, len(order))).astype(int)])
    data = task.spec["data"]
    names = [data["id"], *([data["event_time"]] if data["event_time"] else []), *features]
    lines = (
        json.dumps({"request": record, "expected": scores.answers[row]}) + "\n"
        for record, row in zip(task.holdout.records(names, chosen), chosen, strict=True)
    )
    path.write_text("".join(lines), encoding="utf-8")


def _write_json(path: Path, report: Json) -> None:
    path.write_text(json.dumps(_finite(report), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:
    """The same with null for every number that JSON has no word for."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _arrow(values: Floats) -> Any:
    import pyarrow as pa

    return pa.array(values, from_pandas=True)
