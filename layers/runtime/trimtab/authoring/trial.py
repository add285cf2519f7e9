"""A trial of a search: fit on the first part of the training rows, measured on the last, nothing kept.

The hold-out plays no part: the candidate that comes of the search is judged on rows that no trial has seen.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trimtab.authoring.contract import Contract
from trimtab.authoring.names import OBJECTIVE, TRIAL_ENVIRONMENT
from trimtab.authoring.transformations import learn

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

FitOf = Callable[["pd.DataFrame", "pd.Series[Any]"], Any]
"""The author's ``fit`` with its hyperparameters and seed given."""


def is_trial(environment: Mapping[str, str]) -> bool:
    """Whether this training job is one of a search."""
    return all(environment.get(name) == value for name, value in TRIAL_ENVIRONMENT.items())


def try_out(spec: Mapping[str, Any], contract: Contract, table: "pd.DataFrame", code: Path, fit: FitOf) -> float:
    """The objective of this trial, which was printed for the search to read."""
    head, tail = split_tail(table, contract.event_time, float(spec["training"]["tuning"]["validation_share"]))
    fitted, features = learn(spec, contract, head, code)
    model = fit(features, head[contract.label])
    unseen = fitted.transform(contract.arrays(tail)) if fitted else contract.conform(tail)
    return report_objective(worth(spec, model, unseen, tail[contract.label].to_numpy()))


def worth(spec: Mapping[str, Any], model: Any, features: "pd.DataFrame", label: "np.ndarray[Any, Any]") -> float:
    """The objective's metric of ``model`` on rows that it has not learnt from; NaN where it is undefined."""
    return measures(spec, model, features, label)[objective_of(spec)]


def measures(
    spec: Mapping[str, Any], model: Any, features: "pd.DataFrame", label: "np.ndarray[Any, Any]"
) -> dict[str, float]:
    """Every metric of ``model`` on rows, from one look at them.

    Rows of a class that the model has never seen are left out: no score of theirs exists.
    """
    import numpy as np

    from trimtab.evaluation.kinds import Kind

    evaluation, problem = spec["evaluation"], str(spec["problem"])
    primary = str(evaluation["primary"])
    beta, quantile = float(evaluation["threshold"]["beta"]), float(evaluation["quantile"])
    if problem == "regression":
        return Kind(problem, primary, quantile=quantile).measure(label, np.asarray(model.predict(features)))
    scores = np.asarray(model.predict_proba(features), dtype=np.float64)
    if problem == "binary":
        return Kind(problem, primary, beta=beta).measure(label, scores[:, 1])
    classes = [str(each) for each in model.classes_]
    texts = np.array([str(each) for each in label], dtype=object)
    known = np.isin(texts, classes)
    places = np.array([classes.index(text) for text in texts[known]], dtype=np.intp)
    return Kind(problem, primary, tuple(classes)).measure(places, scores[known])


def split_tail(table: "pd.DataFrame", event_time: str | None, share: float) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """The rows to learn from and the rows to measure on: the last ``share`` of them in time, at least one.

    Without an event time the order of the rows counts. Raises ValueError when nothing is left to learn from.
    """
    ordered = table if event_time is None else table.sort_values(event_time, kind="stable")
    tail = max(1, round(len(ordered) * share))
    if tail >= len(ordered):
        raise ValueError(f"{len(ordered)} training rows are too few to keep {share:g} of them for the search")
    return ordered.iloc[:-tail].reset_index(drop=True), ordered.iloc[-tail:].reset_index(drop=True)


def objective_of(spec: Mapping[str, Any]) -> str:
    """The metric that the search improves."""
    return str(spec["training"]["tuning"]["objective"] or spec["evaluation"]["primary"])


def report_objective(value: float) -> float:
    """The value is what the search takes this trial's worth for, until a later one is reported.

    Call it from ``fit`` after every round, and a search with early stopping or Hyperband ends poor trials sooner.
    """
    print(f"{OBJECTIVE}={value:.9g}", flush=True)
    return value
