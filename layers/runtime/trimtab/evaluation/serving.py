"""What the candidate is served from, and whether that answers the hold-out as the trained model did."""

import json
from typing import Any

import numpy as np

from trimtab.artifact.model_files import pickles_in
from trimtab.artifact.parity import largest_difference
from trimtab.evaluation.kinds import Kind, class_name
from trimtab.evaluation.metrics import Floats
from trimtab.evaluation.task import CONTRACT, Scores, Task

SERVING_FILE, NATIVE_SCORES, MARK = "serving.json", "native_scores.npy", "from trimtab.authoring.inference import"
"""Files that the training job leaves beside the model, and how its own inference.py begins."""


def measure_serving(task: Task, scores: Scores) -> dict[str, Any]:
    """The report's section ``serving``.

    ``parity.rows`` is 0 and the difference null where the training job left no answers of the trained model.
    """
    folder = task.candidate.folder
    stored = _read(folder / SERVING_FILE)
    native = native_scores(task, scores.kind)
    compared = native is not None and native.shape == scores.candidate.shape
    difference = largest_difference(scores.candidate, native) if compared else None
    return {
        "format": stored.get("format"),
        "model_bytes": stored.get("model_bytes"),
        "reason": stored.get("reason"),
        "pickles": pickles_in(folder),
        "own_inference": not (folder / "code" / "inference.py").read_text(encoding="utf-8").startswith(MARK),
        "parity": {
            "rows": len(scores.candidate) if compared else 0,
            "max_difference": difference,
            "tolerance": float(task.spec["serving"]["tolerance"]),
        },
    }


def native_scores(task: Task, kind: Kind) -> Floats | None:
    """The trained model's own scores of the hold-out in the order of ``kind.classes``, None where it left none."""
    path = task.candidate.folder / NATIVE_SCORES
    if not path.is_file():
        return None
    found = np.asarray(np.load(path, allow_pickle=False), dtype=np.float64)
    if found.ndim == 1:
        return found
    known = [class_name(each) for each in _read(task.candidate.folder / CONTRACT).get("classes") or ()]
    places = [known.index(name) if name in known else -1 for name in kind.classes]
    return np.column_stack([found[:, place] if place >= 0 else np.zeros(len(found)) for place in places])


def _read(path: Any) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
