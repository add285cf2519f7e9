"""A whole report of many rows, models' own scoring left out, beside scikit-learn's metrics of the candidate alone."""

import json
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn import metrics as reference

from trimtab.artifact.archive import Artifact
from trimtab.evaluation.contest import kind_of, score_baselines
from trimtab.evaluation.holdout import Rows
from trimtab.evaluation.report import build_report
from trimtab.evaluation.task import Scores, Task
from trimtab.evaluation.threshold import Chosen
from trimtab.spec import Spec, parse_spec

FEATURES = {"load": "number", "heat": "number", "age": "integer", "site": "string", "line": "string"}
SPEC = """
name: speed
data:
  id: id
  event_time: at
  label: label
  columns:
    id: {{type: integer}}
    at: {{type: timestamp}}
    load: {{type: number}}
    heat: {{type: number}}
    age: {{type: integer}}
    site: {{type: string}}
    line: {{type: string}}
    label: {{type: integer}}
training: {{entry_point: train.py}}
evaluation: {{bootstrap_rounds: {rounds}, slices: [site]}}
"""


def print_speed(rows: int, rounds: int) -> None:
    """Seconds and peak memory of a report with a champion, two baselines, slices and folds."""
    with tempfile.TemporaryDirectory() as folder:
        task, candidate, champion = _task(rows, rounds, Path(folder))
        floor = _floor(task.holdout.label, candidate)
        before = _megabytes()
        started, worked = time.perf_counter(), time.process_time()
        scores = _scores(task, candidate, champion)
        report = build_report(task, scores)
        seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    print(f"{rows:,} rows, {rounds} rounds, {report['bootstrap']['method']}, load {os.getloadavg()[0]:.1f}")
    print(f"scikit-learn, five metrics once: {floor:.2f} CPU s")
    print(f"report: {seconds:.1f} s, {cpu:.1f} CPU s = {cpu / floor:.0f} x, {cpu / floor / rounds:.2f} x a round")
    print(f"peak memory: {_megabytes():.0f} MB ({before:.0f} MB held before: the rows, scores and scikit-learn)")


def _task(rows: int, rounds: int, folder: Path) -> tuple[Task, Any, Any]:
    random = np.random.default_rng(0)
    spec = json.loads(read_spec(rounds).canonical_json())
    names = [{"name": name, "type": kind, "nullable": False} for name, kind in FEATURES.items()]
    (folder / "contract.json").write_text(json.dumps({"features": names}))
    (folder / "code").mkdir()
    (folder / "code" / "inference.py").touch()
    artifact = Artifact(folder, 1, "0" * 64)
    table = made_table(rows, random)
    label = np.asarray(table.column("label").to_numpy())
    candidate, champion = (1 / (1 + np.exp(-random.normal(effect * label - 1, 1.0))) for effect in (1.0, 0.98))
    train = Rows(made_table(100_000, random), "label", "at")
    return Task(spec, "run", Rows(table, "label", "at"), train, artifact, artifact, folder), candidate, champion


def read_spec(rounds: int) -> Spec:
    """The model.yaml of both benchmarks of speed."""
    return parse_spec(SPEC.format(rounds=rounds))


def made_table(rows: int, random: np.random.Generator) -> pa.Table:
    """Rows five seconds apart whose label has to do with ``load`` only."""
    load, site = random.normal(size=rows), random.integers(0, 8, rows)
    label = (random.random(rows) < 1 / (1 + np.exp(1 - load))).astype(np.int64)
    return pa.table(
        {
            "id": np.arange(rows),
            "at": np.datetime64("2026-01-01T00:00:00", "us") + np.arange(rows) * np.timedelta64(5, "s"),
            "load": load,
            "heat": random.normal(size=rows),
            "age": random.integers(0, 60, rows),
            "site": pa.array([f"site {place}" for place in range(8)]).take(pa.array(site)),
            "line": pa.array([f"line {place}" for place in range(40)]).take(pa.array(random.integers(0, 40, rows))),
            "label": label,
        }
    )


def _scores(task: Task, candidate: Any, champion: Any) -> Scores:
    kind, n = kind_of(task.spec, []), len(task.holdout)
    baselines = {name: found[:n] for name, found in score_baselines(task, kind, list(FEATURES)).items()}
    sample = np.sort(np.random.default_rng(0).choice(n, min(n, 1_000), replace=False))
    return Scores(
        kind=kind,
        classes=(),
        label=task.holdout.label,
        candidate=candidate,
        baselines=baselines,
        champion=champion,
        champion_error=None,
        chosen=dict.fromkeys(["candidate", "champion", *baselines], Chosen(0.4, 0, None)),
        shuffled=np.stack([candidate[sample]] * len(FEATURES)),
        answers=[],
        latencies_ms=np.array([1.0]),
    )


def _floor(label: Any, score: Any) -> float:
    """CPU seconds of five metrics of one model, once."""
    started = time.process_time()
    reference.roc_auc_score(label, score)
    reference.average_precision_score(label, score)
    reference.log_loss(label, score)
    reference.brier_score_loss(label, score)
    reference.f1_score(label, score >= 0.4)
    return time.process_time() - started


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
