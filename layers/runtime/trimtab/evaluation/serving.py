"""What the candidate is served from, and whether that answers the hold-out as the trained model did."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.artifact.model_files import pickles_in
from trimtab.artifact.parity import largest_difference
from trimtab.errors import DataError
from trimtab.evaluation.kinds import Kind, class_name
from trimtab.evaluation.metrics import Floats
from trimtab.evaluation.task import CONTRACT, Scores, Task

SERVING_FILE, NATIVE_SCORES, NATIVE_IDS = "serving.json", "native_scores.npy", "native_ids.npy"
"""Files that the training job leaves beside the model."""
MARK = "from trimtab.authoring.inference import"
"""How an inference.py begins that no author wrote."""


def measure_serving(task: Task, scores: Scores) -> dict[str, Any]:
    """The report's section ``serving``.

    ``parity.rows`` is 0 and the difference null where the training job left no answers of the trained model to
    these very rows.
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
        "own_inference": is_own_inference(folder),
        "parity": {
            "rows": len(scores.candidate) if compared else 0,
            "max_difference": difference,
            "tolerance": float(task.spec["serving"]["tolerance"]),
        },
    }


def is_own_inference(folder: Path) -> bool:
    """Whether the artifact answers by code of its author in place of this library's."""
    return not (folder / "code" / "inference.py").read_text(encoding="utf-8").startswith(MARK)


def check_trusted(task: Task) -> None:
    """The artifact trusts no type that model.yaml does not name. Raises DataError."""
    asked = set(_read(task.candidate.folder / CONTRACT).get("trusted_types") or ())
    if foreign := sorted(asked.difference(task.spec["training"].get("trusted_types", ()))):
        raise DataError(f"the artifact trusts types that training.trusted_types does not name: {', '.join(foreign)}")


def native_scores(task: Task, kind: Kind) -> Floats | None:
    """The trained model's own scores of the hold-out's rows, by id, in the order of ``kind.classes``.

    None where the training job left none, or left those of other rows.
    """
    scores, ids = (_array(task.candidate.folder / name) for name in (NATIVE_SCORES, NATIVE_IDS))
    if scores is None or ids is None:
        return None
    places = by_id(ids.astype(str), task.holdout.column(task.spec["data"]["id"]).astype(str))
    if places is None or len(scores) != len(ids):
        return None
    found = scores.astype(np.float64)[places]
    if found.ndim == 1:
        return found
    known = [class_name(each) for each in _read(task.candidate.folder / CONTRACT).get("classes") or ()]
    columns = [known.index(name) if name in known else -1 for name in kind.classes]
    return np.column_stack([found[:, column] if column >= 0 else np.zeros(len(found)) for column in columns])


def by_id(stored: NDArray[np.str_], wanted: NDArray[np.str_]) -> NDArray[np.intp] | None:
    """Where each wanted id stands among the stored ones; those of one id keep their order. None for other ids."""
    there, here = np.argsort(stored, kind="stable"), np.argsort(wanted, kind="stable")
    if len(stored) != len(wanted) or (stored[there] != wanted[here]).any():
        return None
    places = np.empty(len(wanted), dtype=np.intp)
    places[here] = there
    return places


def _array(path: Path) -> NDArray[Any] | None:
    return np.asarray(np.load(path, allow_pickle=False)) if path.is_file() else None


def _read(path: Any) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
