"""Definitions as model.yaml gives them, and what they make of a table."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trimtab.features import FittedFeatures, Training, learn_features
from trimtab.features.author import Author
from trimtab.spec import FeaturesSpec

Step = Mapping[str, Any] | str


def definition(*rules: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
    """The section with all its defaults, as the job finds it in model.json."""
    return FeaturesSpec.model_validate({"rules": rules, **settings}).model_dump(mode="json")


def types_of(columns: Mapping[str, Any]) -> dict[str, str]:
    kinds = {"i": "integer", "f": "number", "b": "boolean", "M": "timestamp"}
    return {name: kinds.get(np.asarray(column).dtype.kind, "string") for name, column in columns.items()}


def training(rows: int, label: Any = None, problem: str = "binary", **others: Any) -> Training:
    found = np.arange(rows) % 2 if label is None else np.asarray(label)
    return Training.of(found, problem, others.get("times"), others.get("seed", 0))


def learn(
    columns: Mapping[str, Any], *steps: Step, label: Any = None, **others: Any
) -> tuple[FittedFeatures, pd.DataFrame]:
    """One rule over all columns."""
    rows = len(next(iter(columns.values())))
    learned_from = training(rows, label, others.pop("problem", "binary"), times=others.pop("times", None))
    declared = definition({"columns": list(columns), "steps": steps, **others})
    return learn_features(declared, types_of(columns), columns, learned_from, Author())


def texts(*values: str | None) -> Any:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
