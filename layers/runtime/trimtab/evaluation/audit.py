"""What stands in the report beside metrics: calibration, bias by protected attribute, and curves to draw."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.bias import decisions, measure_bias
from trimtab.evaluation.calibration import calibrate_binary, calibrate_classes, calibrate_numbers
from trimtab.evaluation.curves import binary_curves, class_curves, number_curves
from trimtab.evaluation.holdout import Rows
from trimtab.evaluation.kinds import class_name

Json = dict[str, Any]


def audit(
    spec: Mapping[str, Any],
    holdout: Rows,
    scores: NDArray[Any],
    threshold: float = 0.5,
    classes: Sequence[Any] | None = None,
) -> Json:
    """``calibration``, ``bias`` and ``curves`` of a candidate's scores.

    ``scores`` has shape (n,), of a multiclass problem (n, classes) in the order of ``classes``; ``threshold`` is from
    where a binary model says yes.
    """
    problem, rule = spec["problem"], spec["evaluation"]
    label = holdout.column(holdout.label_column)
    calibration, curves, decided = _of_kind(problem, label, scores, threshold, classes, _confidence(rule))
    own = rule["gates"]["bias"]
    made = decisions(problem, own, label, decided)
    attributes = _attributes(spec)
    columns = {name: holdout.column(name) for name in attributes if name in holdout.table.column_names}
    return {"calibration": calibration, "bias": measure_bias(attributes, own, columns, made), "curves": curves}


def _of_kind(
    problem: str,
    label: NDArray[Any],
    scores: NDArray[Any],
    threshold: float,
    classes: Sequence[Any] | None,
    confidence: float,
) -> tuple[Json, Json, NDArray[Any]]:
    """Calibration, curves, and what the model decided for each row."""
    if problem == "multiclass":
        named, label = (
            list(map(class_name, classes or ())),
            np.array(list(map(class_name, label.tolist())), dtype=object),
        )
        decided = np.asarray(named, dtype=object)[np.nan_to_num(scores, nan=-1.0).argmax(axis=1)]
        return calibrate_classes(label, scores, named, confidence), class_curves(label, decided, named), decided
    numbers = label.astype(np.float64)
    if problem == "regression":
        return calibrate_numbers(numbers, scores, confidence), number_curves(numbers, scores), scores
    decided = (scores >= threshold).astype(np.int64)
    return calibrate_binary(numbers, scores, confidence), binary_curves(numbers, scores), decided


def _confidence(rule: Mapping[str, Any]) -> float:
    return float(rule["champion"]["confidence"])


def _attributes(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of all protected attributes: by the role of their column, or by name."""
    found: Json = {name: {} for name, column in spec["data"]["columns"].items() if column["role"] == "protected"}
    found.update(spec["evaluation"]["gates"]["bias"]["attributes"])
    return found
