"""Models in eight bits: smaller, nearly the same answers, and nothing left of the weights as they were."""

import warnings
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from tests.unit.authoring.test_export import classes, coded, number, table, wide
from trimtab.artifact.model_files import check_onnx
from trimtab.authoring.export.int8 import levels, narrowed, to_int8
from trimtab.authoring.export.onnx_file import NoEqual, to_onnx
from trimtab.authoring.predictors import OnnxPredictor


def pair(model: Any, problem: str, label: np.ndarray) -> tuple[bytes, bytes, float]:
    """Both files, and the largest difference of their answers in standard deviations of the full one's."""
    rows = table(1).assign(load=lambda found: found["load"].round(1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        full = to_onnx(model.fit(rows, label), rows)
    small = to_int8(full)
    before, after = (OnnxPredictor(body, problem).scores(rows) for body in (full, small))
    return full, small, float(np.abs(after - before).max() / before.std())


MODELS = {
    "boosting": (make_pipeline(coded(), HistGradientBoostingClassifier(max_iter=40)), "binary"),
    "forest": (make_pipeline(coded(), RandomForestClassifier(8, max_depth=6)), "multiclass"),
    "logistic": (make_pipeline(wide(), LogisticRegression()), "binary"),
    "ridge": (make_pipeline(wide(), Ridge()), "regression"),
    "network": (make_pipeline(wide(), MLPClassifier((64, 64), max_iter=5)), "binary"),
}


@pytest.mark.parametrize("name", MODELS)
def test_eight_bits_answer_nearly_as_the_full_model_does(name: str, tmp_path: Any) -> None:
    model, problem = MODELS[name]
    rows = table(1)
    label = number(rows) if problem == "regression" else classes(rows, 2 if problem == "binary" else 3)
    _, small, apart = pair(model, problem, label)
    assert 0 < apart < 0.1
    (tmp_path / "model.onnx").write_bytes(small)
    check_onnx(tmp_path / "model.onnx")


def test_a_network_takes_a_quarter_of_its_bytes_and_keeps_no_matrix_of_floats() -> None:
    model, problem = MODELS["network"]
    full, small, _ = pair(model, problem, classes(table(1), 2))
    assert len(small) < 0.25 * len(full)
    held = [numpy_helper.to_array(each) for each in onnx.load_from_string(small).graph.initializer]
    assert sum(each.dtype == np.int8 for each in held) == 3
    assert not [each for each in held if each.dtype.kind == "f" and each.ndim == 2 and min(each.shape) > 1]


def test_leaves_are_whole_numbers_and_a_forest_is_smaller() -> None:
    model, problem = MODELS["boosting"]
    full, small, _ = pair(model, problem, classes(table(1), 2))
    assert len(small) < 0.8 * len(full)
    (node,) = (each for each in onnx.load_from_string(small).graph.node if each.op_type == "TreeEnsemble")
    (leaves,) = (numpy_helper.to_array(each.t) for each in node.attribute if each.name == "leaf_weights")
    assert (leaves == np.rint(leaves)).all()
    assert np.abs(leaves).max() == 127


def test_a_weight_moves_by_half_a_level_at_most() -> None:
    weights = np.random.default_rng(1).normal(size=(50, 4)) * [1, 100, 1e-6, 0]
    found, scale = levels(weights, 1)
    assert (found.dtype, scale.shape) == (np.int8, (4,))
    assert (np.abs(found * scale.astype(float) - weights) <= scale / 2 * 1.00001).all()
    assert scale[3] == 1


def test_no_single_precision_value_changes_its_side_of_a_split() -> None:
    random = np.random.default_rng(2)
    splits = np.concatenate([random.normal(size=500), random.normal(size=500).astype(np.float32)])
    modes = random.choice(np.array([0, 1], dtype=np.uint8), 1_000)
    near = splits.astype(np.float32)
    for values in (near, np.nextafter(near, np.float32(9)), np.nextafter(near, np.float32(-9))):
        exact = np.where(modes == 1, values.astype(float) < splits, values.astype(float) <= splits)
        moved = narrowed(splits, modes)
        assert (np.where(modes == 1, values < moved, values <= moved) == exact).all()


def test_a_model_without_weights_to_shorten_says_so() -> None:
    rows = table(1)
    model = make_pipeline(wide(), GradientBoostingClassifier(n_estimators=3)).fit(rows, classes(rows, 2))
    with pytest.raises(NoEqual, match="eight bits would change nothing"):
        to_int8(to_onnx(model, rows))
