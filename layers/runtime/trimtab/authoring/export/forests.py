"""The trees inside fitted scikit-learn and XGBoost models."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trimtab.authoring.export.trees import LESS, Floats, Tree

_NONE: Floats = np.empty(0)
_NO_CATEGORY = -(2.0**62)
"""Stands in a set that would be empty."""


@dataclass(frozen=True)
class Forest:
    """Trees whose sums, with ``base`` added, are turned into the model's answer by ``link``."""

    trees: tuple[Tree, ...]
    base: Floats
    """Shape (outputs,)."""
    link: str
    """identity, logistic, softmax or exp."""
    single_precision: bool
    """Whether the model looks at its features in single precision, thresholds apart."""


def of_hist_boosting(model: Any) -> Forest:
    """HistGradientBoosting*, categorical features included; features are numbered as ``fit`` saw them.

    Raises ValueError for a loss whose link is not known here.
    """
    categories, order = _categories(model)
    trees = [
        _hist_tree(predictor, output, categories, order)
        for stage in model._predictors
        for output, predictor in enumerate(stage)
    ]
    links = {"log_loss": "logistic" if len(model._predictors[0]) == 1 else "softmax"}
    links |= dict.fromkeys(("squared_error", "absolute_error", "quantile"), "identity")
    links |= dict.fromkeys(("poisson", "gamma"), "exp")
    if model.loss not in links:
        raise ValueError(f"the loss {model.loss!r} has no known link")
    return Forest(tuple(trees), np.ravel(model._baseline_prediction).astype(np.float64), links[model.loss], False)


def _categories(model: Any) -> tuple[list[Floats], Sequence[int]]:
    """By internal feature number: its categories in the order of their codes, none for a number; and the number
    that each internal feature has among those that ``fit`` saw. Internally categories come first."""
    flags = model.is_categorical_
    if flags is None:
        return [_NONE] * model.n_features_in_, range(model.n_features_in_)
    order = [*np.flatnonzero(flags), *np.flatnonzero(~flags)]
    known = model._preprocessor.named_transformers_["encoder"].categories_
    try:
        codes = [np.asarray(each, dtype=np.float64) for each in known]
    except ValueError as error:
        raise ValueError("categories that are texts: encode them as numbers first, with an OrdinalEncoder") from error
    return [*codes, *[_NONE] * int((~flags).sum())], order


def _hist_tree(predictor: Any, output: int, categories: list[Floats], order: Sequence[int]) -> Tree:
    nodes = predictor.nodes
    leaf, feature = nodes["is_leaf"].astype(bool), nodes["feature_idx"].astype(np.int64)
    missing_left = nodes["missing_go_to_left"].astype(bool)
    members: dict[int, tuple[Sequence[float], bool]] = {}
    for node in np.flatnonzero(nodes["is_categorical"].astype(bool) & ~leaf):
        known = categories[feature[node]]
        bits = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]
        # What is unknown goes where missing values go: the other side's categories are the ones to test for.
        tests_left = not missing_left[node]
        chosen = [each for code, each in enumerate(known) if bool(bits[code // 32] >> (code % 32) & 1) == tests_left]
        members[int(node)] = ([each for each in chosen if each == each] or [_NO_CATEGORY], tests_left)
    return Tree(
        feature=np.asarray(order, dtype=np.int64)[np.where(leaf, 0, feature)],
        threshold=nodes["num_threshold"].astype(np.float64),
        left=np.where(leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(leaf, -1, nodes["right"].astype(np.int64)),
        missing_left=missing_left,
        value=nodes["value"].astype(np.float64),
        target=output,
        members=members,
    )


def of_sklearn_trees(model: Any) -> Forest:
    """DecisionTree*, RandomForest*, ExtraTrees*, for one label: the mean of the trees.

    A binary classifier has one output, the probability of the second class.
    """
    fitted = [each.tree_ for each in getattr(model, "estimators_", [model])]
    classes = len(getattr(model, "classes_", ()))
    columns = [1] if classes == 2 else range(max(classes, 1))
    trees = [
        _sklearn_tree(tree, column, output, len(fitted)) for tree in fitted for output, column in enumerate(columns)
    ]
    return Forest(tuple(trees), np.zeros(len(columns)), "identity", True)


def _sklearn_tree(tree: Any, column: int, output: int, count: int) -> Tree:
    values = tree.value[:, 0, :]
    if tree.n_classes[0] > 1:
        values = values / values.sum(axis=1, keepdims=True)
    missing = getattr(tree, "missing_go_to_left", np.zeros(tree.node_count))
    return Tree(
        feature=np.maximum(tree.feature, 0).astype(np.int64),
        threshold=tree.threshold.astype(np.float64),
        left=tree.children_left.astype(np.int64),
        right=tree.children_right.astype(np.int64),
        missing_left=np.asarray(missing).astype(bool),
        value=values[:, min(column, values.shape[1] - 1)] / count,
        target=output,
    )


def of_xgboost(model: Any) -> Forest:
    """XGBClassifier and XGBRegressor with trees, read from the model's own JSON. Raises ValueError for what is unknown.

    XGBoost adds up leaves in single precision, ONNX in double: answers differ by about 1e-7 of their size.
    """
    learner = json.loads(model.get_booster().save_raw("json"))["learner"]
    objective, booster = learner["objective"]["name"], learner["gradient_booster"]
    if booster["name"] != "gbtree" or objective not in _XGBOOST_LINKS:
        raise ValueError(f"XGBoost with {booster['name']} and {objective} has no equal here")
    link = _XGBOOST_LINKS[objective]
    parts = booster["model"]
    kept = _rounds(model, parts)
    trees = [
        _xgboost_tree(tree, int(target))
        for tree, target in zip(parts["trees"][:kept], parts["tree_info"][:kept], strict=True)
    ]
    outputs = max(int(learner["learner_model_param"]["num_class"]), 1)
    return Forest(tuple(trees), _base_score(learner, link, outputs), link, True)


_XGBOOST_LINKS = {
    "binary:logistic": "logistic",
    "multi:softprob": "softmax",
    "reg:squarederror": "identity",
    "reg:absoluteerror": "identity",
    "reg:quantileerror": "identity",
    "reg:pseudohubererror": "identity",
}


def _rounds(model: Any, parts: dict[str, Any]) -> int:
    """Trees that predict: those up to the best round where training stopped early."""
    best = getattr(model, "best_iteration", None) if getattr(model, "early_stopping_rounds", None) else None
    return len(parts["trees"]) if best is None else int(parts["iteration_indptr"][best + 1])


def _base_score(learner: dict[str, Any], link: str, outputs: int) -> Floats:
    """On the scale of the leaves; XGBoost stores it on that of the answer."""
    text = learner["learner_model_param"]["base_score"].strip("[]")
    base = np.array([float(np.float32(part)) for part in text.split(",")], dtype=np.float64)
    if link == "logistic":
        base = np.log(base / (1 - base))
    return np.broadcast_to(base, (outputs,)).astype(np.float64)


def _xgboost_tree(tree: dict[str, Any], target: int) -> Tree:
    if any(tree["split_type"]):
        raise ValueError("XGBoost's own categorical splits have no equal here: encode categories as numbers")
    left = np.array(tree["left_children"], dtype=np.int64)
    thresholds = np.array(tree["split_conditions"], dtype=np.float32).astype(np.float64)
    made = Tree(
        feature=np.array(tree["split_indices"], dtype=np.int64),
        threshold=thresholds,
        left=left,
        right=np.array(tree["right_children"], dtype=np.int64),
        missing_left=np.array(tree["default_left"], dtype=bool),
        value=thresholds,
        target=target,
        mode=LESS,
    )
    return made if (left >= 0).any() else replace(made, value=np.array(tree["base_weights"], dtype=np.float64))
