"""The evaluation job: candidate, champion and simple baselines on the same hold-out rows.

    evaluate.py [--base /opt/ml/processing] [--run RUN]

reads ``candidate/`` and, when there is one, ``champion/`` (model.tar.gz), ``holdout/`` and ``train/`` (Parquet) and
the spec beside evaluate.py; writes evaluation.json, golden.jsonl, scores_profile.json and importance.json (weights for
drift) to ``evaluation/``, and edge_vectors.jsonl for a model with a form for devices.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trimtab.artifact.archive import find_archive, sha256, unpack
from trimtab.data.profile import NumberProfile, Profile
from trimtab.errors import DataError
from trimtab.evaluation.answers import confidence_of
from trimtab.evaluation.baseline import LEARNED_ROWS
from trimtab.evaluation.contest import score
from trimtab.evaluation.edge import VECTORS, measure_edge
from trimtab.evaluation.explain import drift_weights, explain
from trimtab.evaluation.holdout import Record, Rows
from trimtab.evaluation.json_values import finite
from trimtab.evaluation.metrics import Floats
from trimtab.evaluation.report import build_report
from trimtab.evaluation.serving import check_trusted
from trimtab.evaluation.task import Json, Task

BASE = Path("/opt/ml/processing")
JOB_FILE = Path("/opt/ml/config/processingjobconfig.json")
GOLDEN_ROWS = 100


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
        train=Rows.read(base / "train", spec["data"], newest=LEARNED_ROWS),
        candidate=unpack(archive, work / "candidate"),
        champion=unpack(old, work / "champion") if old else None,
        work=work,
        hidden=(base,),
    )


def evaluate(task: Task, output: Path) -> Json:
    """The report, also written to ``output`` with the golden records and the scores' profile."""
    check_trusted(task)
    scores = score(task)
    report = build_report(task, scores)
    report["explain"] = explain(task, scores, report["importance"])
    output.mkdir(parents=True, exist_ok=True)
    certainty = confidence_of(scores.candidate)
    edge = measure_edge(task, scores)
    if edge is not None:
        _write_golden(output / VECTORS, task, certainty, edge.answers or scores.answers)
        report["edge"] = edge.section | {"vectors_sha256": sha256(output / VECTORS)}
    _write_json(output / "importance.json", {"weights": drift_weights(report["importance"])})
    _write_json(output / "evaluation.json", report)
    _write_golden(output / "golden.jsonl", task, certainty, scores.answers)
    column = NumberProfile.of(_arrow(certainty))
    (output / "scores_profile.json").write_bytes(Profile(len(certainty), {"score": column}).dumps())
    return report


def _write_golden(path: Path, task: Task, scores: Floats, answers: Sequence[Record]) -> None:
    """Rows spread evenly over the range of scores, each as a request and the answer it must get."""
    order = np.argsort(scores, kind="stable")
    chosen = np.unique(order[np.linspace(0, len(order) - 1, min(GOLDEN_ROWS, len(order))).astype(int)])
    data = task.spec["data"]
    names = [data["id"], *([data["event_time"]] if data["event_time"] else []), *task.features]
    lines = (
        json.dumps({"request": record, "expected": answers[row]}) + "\n"
        for record, row in zip(task.holdout.records(names, chosen), chosen, strict=True)
    )
    path.write_text("".join(lines), encoding="utf-8")


def _write_json(path: Path, report: Json) -> None:
    path.write_text(json.dumps(finite(report), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _arrow(values: Floats) -> Any:
    import pyarrow as pa

    return pa.array(values, from_pandas=True)
