"""Which file a model is served from: ONNX where that answers as the model does, else skops, never a pickle."""

import json
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


def save_model(model: Any, problem: str, features: "pd.DataFrame", folder: Path, wanted: dict[str, Any]) -> Saved:
    """``folder`` holds the one file that the model is served from. ``features`` is what ``fit`` saw.

    ``wanted`` is the spec's section serving. Raises SystemExit when neither form answers as the model does.
    """
    step = max(1, len(features) // COMPARED_ROWS)
    sample = features.iloc[::step].reset_index(drop=True)
    tolerance = float(wanted["tolerance"])
    reasons: list[str] = []
    for form in ("onnx", "skops") if wanted["format"] == "auto" else (wanted["format"],):
        try:
            return _WRITERS[form](model, problem, sample, folder, tolerance, "; ".join(reasons))
        except (NoEqual, ModelRefused) as error:
            reasons.append(f"{form}: {error}")
    raise SystemExit(
        "the model cannot be stored without a pickle, and pickles are not served. "
        + "; ".join(reasons)
        + ". Use estimators of scikit-learn or XGBoost, and put your own steps under features: in model.yaml."
    )


def _save_onnx(model: Any, problem: str, sample: "pd.DataFrame", folder: Path, tolerance: float, reason: str) -> Saved:
    path = folder / ONNX_FILE
    path.write_bytes(to_onnx(model, sample))
    try:
        difference = _compare(model, load_onnx(path, problem), problem, sample, tolerance)
    except (NoEqual, ModelRefused):
        path.unlink()
        raise
    return Saved("onnx", path.stat().st_size, tolerance, difference, reason)


def _save_skops(model: Any, problem: str, sample: "pd.DataFrame", folder: Path, tolerance: float, reason: str) -> Saved:
    import skops.io

    path = folder / SKOPS_FILE
    try:
        skops.io.dump(model, path)
    except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
        raise NoEqual(f"{type(error).__name__}: {str(error)[:300]}") from error
    try:
        difference = _compare(model, TablePredictor(load_skops(path), problem), problem, sample, tolerance)
    except (NoEqual, ModelRefused):
        path.unlink()
        raise
    return Saved("skops", path.stat().st_size, tolerance, difference, reason)


_WRITERS = {"onnx": _save_onnx, "skops": _save_skops}


def _compare(model: Any, loaded: Any, problem: str, sample: "pd.DataFrame", tolerance: float) -> float:
    native = scores_of(model, problem, sample)
    difference = largest_difference(loaded.scores(sample), native)
    if difference > tolerance:
        raise NoEqual(f"its answers differ by up to {difference:.3g}, {tolerance:g} is allowed")
    return difference
