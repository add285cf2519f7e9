"""The report's section ``edge``: what the form for devices loses against the full model, on the same hold-out rows."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from trimtab.artifact.archive import Artifact
from trimtab.artifact.model_files import EDGE_FILE, ONNX_FILE
from trimtab.artifact.parity import largest_difference
from trimtab.errors import DataError
from trimtab.evaluation import bootstrap, scoring
from trimtab.evaluation.answers import as_scores
from trimtab.evaluation.metrics import Floats
from trimtab.evaluation.report import choose_draws
from trimtab.evaluation.serving import is_own_inference
from trimtab.evaluation.task import Json, Scores, Task

VECTORS = "edge_vectors.jsonl"
"""Requests and the answers that the form for devices must give."""


@dataclass(frozen=True)
class Edge:
    """What was measured."""

    section: Json
    answers: Sequence[Json]
    """Of every hold-out row; none where the full model is what devices get."""


def measure_edge(task: Task, scores: Scores) -> Edge | None:
    """None for a model without a form for devices. Raises DataError when the artifact lacks the one it must have."""
    rule, folder = task.spec.get("edge"), task.candidate.folder
    if rule is None:
        return None
    if is_own_inference(folder):
        raise DataError("edge: devices answer by the contract, and this model has an inference.py of its own")
    if not (folder / ONNX_FILE).is_file():
        raise DataError(f"edge: the artifact has no {ONNX_FILE} that a device could run")
    size = (folder / ONNX_FILE).stat().st_size
    if rule["precision"] == "full":
        return Edge({"precision": "full", "model_bytes": size, "full_model_bytes": size}, ())
    answers = _answers(task)
    mine = as_scores(answers, scores.kind)
    section = {
        "precision": rule["precision"],
        "model_bytes": (folder / EDGE_FILE).stat().st_size,
        "full_model_bytes": size,
        "rows": len(mine),
        "max_difference": largest_difference(mine, scores.candidate),
        "metrics": scores.kind.measure(scores.label, mine, scores.thresholds["candidate"]),
        "loss": loss(task, scores, mine),
        "max_loss": float(rule["max_loss"]),
    }
    return Edge(section, answers)


def _answers(task: Task) -> scoring.Answers:
    """What the artifact's own code answers with the small file in place of the full one."""
    folder, made = task.work / "edge", task.candidate.folder / EDGE_FILE
    if not made.is_file():
        raise DataError(f"edge: the artifact has no {EDGE_FILE}: train again")
    shutil.copytree(task.candidate.folder, folder)
    shutil.copyfile(made, folder / ONNX_FILE)
    small = Artifact(folder, task.candidate.size_bytes, task.candidate.sha256)
    process = scoring.start(small, task.work / "edge.jsonl", 0, task.hidden)
    return process.finish(scoring.send(process, task.holdout.blocks([task.spec["data"]["id"], *task.features])))


def loss(task: Task, scores: Scores, mine: Floats) -> dict[str, float]:
    """How much worse the primary metric is, as a share of the full model's value, with the interval of the pair."""
    kind, at = scores.kind, scores.thresholds["candidate"]
    found = bootstrap.resample(
        {"full": kind.scored(scores.label, scores.candidate, at), "edge": kind.scored(scores.label, mine, at)},
        choose_draws(task, scores),
        rounds=int(task.rule["bootstrap_rounds"]),
        confidence=float(task.rule["champion"]["confidence"]),
        seed=task.seed,
        n=len(mine),
    )
    best, other = ("full", "edge") if kind.higher_is_better else ("edge", "full")
    paired = found.difference(best, other, kind.primary)
    whole = abs(found.points["full"][kind.primary])
    return {name: getattr(paired, name) / whole if whole else float("nan") for name in ("value", "lo", "hi")}
