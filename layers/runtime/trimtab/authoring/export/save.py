"""Which file a model is served from: ONNX where that answers as the model does, else skops, never a pickle."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import skl2onnx  # noqa: F401  a job without it fails before it stores anything

from trimtab.artifact.model_files import ONNX_FILE, SKOPS_FILE, ModelRefused
from trimtab.artifact.parity import largest_difference
from trimtab.authoring.export.onnx_file import NoEqual, to_onnx
from trimtab.authoring.predictors import TablePredictor, load_onnx, load_skops, scores_of

if TYPE_CHECKING:
    import pandas as pd

COMPARED_ROWS = 2_000
"""Training rows, spread evenly, on which the file must answer as the model does to be chosen at all."""
SERVING_FILE = "serving.json"


@dataclass(frozen=True)
class Saved:
    """What the artifact is served from, and why."""

    format: str
    """onnx or skops."""
    model_bytes: int
    tolerance: float
    """Largest difference of a score that counts as equal, relative to scores larger than 1."""
    max_difference: float
    """Between file and model on the training rows that were compared."""
    reason: str
    """Why it is not ONNX; empty when it is."""

    def write(self, folder: Path) -> None:
        (folder / SERVING_FILE).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def save_model(model: Any, problem: str, features: "pd.DataFrame", folder: Path, wanted: Mapping[str, Any]) -> Saved:
    """``folder`` holds the one file that the model is served from. ``features`` is what ``fit`` saw.

    ``wanted`` is the spec's section serving with ``trusted_types``.
    Raises SystemExit when neither form answers as the model does.
    """
    step = max(1, len(features) // COMPARED_ROWS)
    sample = features.iloc[::step].reset_index(drop=True)
    reasons: list[str] = []
    for form in ("onnx", "skops") if wanted["format"] == "auto" else (wanted["format"],):
        try:
            return _WRITERS[form](Task(model, problem, sample, folder, wanted), "; ".join(reasons))
        except (NoEqual, ModelRefused) as error:
            reasons.append(f"{form}: {error}")
    raise SystemExit(
        "the model cannot be stored without a pickle, and pickles are not served. "
        + "; ".join(reasons)
        + ". Use estimators of scikit-learn or XGBoost, and put your own steps under features: in model.yaml."
    )


@dataclass(frozen=True)
class Task:
    """A model on its way into a file."""

    model: Any
    problem: str
    sample: "pd.DataFrame"
    """Rows on which the file must answer as the model does."""
    folder: Path
    wanted: Mapping[str, Any]

    @property
    def tolerance(self) -> float:
        return float(self.wanted["tolerance"])

    def compare(self, loaded: Any) -> float:
        """How far file and model lie apart. Raises NoEqual when that is too far."""
        native = scores_of(self.model, self.problem, self.sample)
        difference = largest_difference(loaded.scores(self.sample), native)
        if difference > self.tolerance:
            raise NoEqual(f"its answers differ by up to {difference:.3g}, {self.tolerance:g} is allowed")
        return difference


def _save_onnx(task: Task, reason: str) -> Saved:
    path = task.folder / ONNX_FILE
    path.write_bytes(to_onnx(task.model, task.sample))
    try:
        difference = task.compare(load_onnx(path, task.problem))
    except (NoEqual, ModelRefused):
        path.unlink()
        raise
    return Saved("onnx", path.stat().st_size, task.tolerance, difference, reason)


def _save_skops(task: Task, reason: str) -> Saved:
    import skops.io

    path = task.folder / SKOPS_FILE
    try:
        skops.io.dump(task.model, path)
    except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
        raise NoEqual(f"{type(error).__name__}: {str(error)[:300]}") from error
    try:
        loaded = load_skops(path, task.wanted.get("trusted_types", ()))
        difference = task.compare(TablePredictor(loaded, task.problem))
    except (NoEqual, ModelRefused):
        path.unlink()
        raise
    return Saved("skops", path.stat().st_size, task.tolerance, difference, reason)


_WRITERS = {"onnx": _save_onnx, "skops": _save_skops}
