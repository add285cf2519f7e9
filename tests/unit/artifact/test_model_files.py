"""Model files that somebody else may have made: what is refused, and why, before anything runs them."""

import functools
import gzip
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import skops.io
from onnx import TensorProto, helper
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from trimtab.artifact.model_files import ModelRefused, check_files, check_onnx, pickles_in
from trimtab.authoring.export.onnx_file import to_onnx
from trimtab.authoring.export.trees import Tree, attributes
from trimtab.authoring.predictors import load_onnx, load_skops

Change = Callable[[onnx.ModelProto], None]


def tree_model() -> onnx.ModelProto:
    """One tree with three nodes: two tests and three leaves."""
    tree = Tree(
        feature=np.array([0, 0, 1, 0, 0]),
        threshold=np.array([0.5, 0.0, 0.2, 0.0, 0.0]),
        left=np.array([1, -1, 3, -1, -1]),
        right=np.array([2, -1, 4, -1, -1]),
        missing_left=np.zeros(5, dtype=bool),
        value=np.array([0.0, 1.0, 0.0, 2.0, 3.0]),
    )
    node = helper.make_node("TreeEnsemble", ["x"], ["scores"], domain="ai.onnx.ml", **attributes([tree], 1))
    shape = [
        helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, size])
        for name, size in (("x", 2), ("scores", 1))
    ]
    graph = helper.make_graph([node], "g", shape[:1], shape[1:])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    helper.set_model_props(model, {"columns": '{"x": ["a", "b"]}'})
    return model


def external_data(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def external_data_of_an_attribute(model: onnx.ModelProto) -> None:
    tensor = model.graph.node[0].attribute[0].t
    tensor.external_data.add(key="location", value="/etc/passwd")


def huge_tensor(model: onnx.ModelProto) -> None:
    model.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[2**40, 2**20])


def custom_domain(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.evil", 1))


def custom_node(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Run", ["x"], ["y"], domain="com.evil"))


def contributed_node(model: onnx.ModelProto) -> None:
    """onnxruntime's own additions are not ONNX's."""
    model.graph.node.append(helper.make_node("Inverse", ["x"], ["y"], domain="com.microsoft"))


def own_function(model: onnx.ModelProto) -> None:
    model.functions.append(helper.make_function("own", "f", ["x"], ["y"], [], [helper.make_opsetid("", 21)]))


def future_operators(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 99


def too_many_nodes(model: onnx.ModelProto) -> None:
    model.graph.node.extend([helper.make_node("Identity", ["x"], [f"y{n}"]) for n in range(20_001)])


def nested_graphs(model: onnx.ModelProto) -> None:
    graph = helper.make_graph([], "inner", [], [])
    for _ in range(6):
        graph = helper.make_graph([helper.make_node("If", ["c"], ["y"], then_branch=graph)], "g", [], [])
    model.graph.node.append(graph.node[0])


def hidden_in_a_branch(model: onnx.ModelProto) -> None:
    inner = helper.make_graph([helper.make_node("Run", ["x"], ["y"], domain="com.evil")], "inner", [], [])
    model.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=inner))


def set_ids(name: str, values: list[int]) -> Change:
    def change(model: onnx.ModelProto) -> None:
        (attribute,) = [each for each in model.graph.node[0].attribute if each.name == name]
        attribute.ints[:] = values

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (external_data, "other files"),
        (external_data_of_an_attribute, "other files"),
        (huge_tensor, "more values than the file"),
        (custom_domain, "operators of 'com.evil'"),
        (custom_node, "not ONNX's own"),
        (contributed_node, "not ONNX's own"),
        (own_function, "functions of its own"),
        (future_operators, "version 99"),
        (too_many_nodes, "nodes, at most"),
        (nested_graphs, "nested"),
        (hidden_in_a_branch, "not ONNX's own"),
        (set_ids("nodes_falsenodeids", [0, 2]), "lead nowhere, or back"),
        (set_ids("nodes_truenodeids", [0, 9_999_999]), "lead nowhere, or back"),
        (set_ids("nodes_truenodeids", [-5, 1]), "lead nowhere, or back"),
        (set_ids("leaf_targetids", [0, 7, 0]), "lead nowhere, or back"),
        (set_ids("tree_roots", [77]), "lead nowhere, or back"),
        (set_ids("nodes_featureids", [0, -1]), "lead nowhere, or back"),
    ],
)
def test_a_hostile_onnx_file_is_refused_for_what_it_is(tmp_path: Path, change: Change, reason: str) -> None:
    model, path = tree_model(), tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    assert load_onnx(path, "regression").scores({"a": [0.1, 0.9, 0.9], "b": [0, 0, 1]}).tolist() == [1.0, 2.0, 3.0]
    change(model)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelRefused, match=reason):
        load_onnx(path, "regression")


@pytest.mark.parametrize("body", [b"not a model", b"\xff" * 64, b"\x08", b"", b"\x3a\xff\xff\xff\xff\x7f"])
def test_bytes_that_are_no_onnx_file_are_refused(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(body)
    with pytest.raises(ModelRefused):
        check_onnx(path)


def test_no_damage_of_one_byte_gets_past_both_checks_as_anything_but_a_refusal(tmp_path: Path) -> None:
    """Whatever is left standing is a model that onnxruntime takes; nothing else escapes."""
    body, path = bytearray(tree_model().SerializeToString()), tmp_path / "model.onnx"
    random = np.random.default_rng(0)
    for place in random.integers(len(body), size=150):
        damaged = bytearray(body)
        damaged[place] ^= int(random.integers(1, 256))
        path.write_bytes(damaged)
        try:
            check_onnx(path)
        except ModelRefused:
            continue


def test_a_pickle_is_found_by_name_and_by_its_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "weights.bin").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "model.joblib").write_bytes(gzip.compress(pickle.dumps([1])))
    (tmp_path / "contract.json").write_text("{}")
    assert pickles_in(tmp_path) == ["code/weights.bin", "model.joblib"]
    with pytest.raises(ModelRefused, match=r"code/weights\.bin"):
        check_files(tmp_path)


def test_an_artifact_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="neither"):
        check_files(tmp_path)


def test_a_skops_file_with_a_foreign_type_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    for step in (FunctionTransformer(eval), FunctionTransformer(functools.partial(exec, "1"))):
        skops.io.dump(make_pipeline(step, LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])), path)
        with pytest.raises(ModelRefused, match=r"not trusted: .*builtins\.(eval|exec)"):
            load_skops(path)


def test_a_skops_file_of_scikit_learn_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), path)
    assert load_skops(path).predict([[0.5]])[0] == pytest.approx(0.5)


def test_a_skops_file_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path, body = tmp_path / "model.skops", io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(9):
            packed.writestr(f"{number}.npy", bytes(64 * 1024**2))
    path.write_bytes(body.getvalue())
    with pytest.raises(ModelRefused, match="unpacks to more"):
        load_skops(path)
    path.write_bytes(b"PK")
    with pytest.raises(ModelRefused, match="no skops file"):
        load_skops(path)


def test_an_honest_model_passes(tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"a": [0.0, 1.0], "b": [1.0, 0.5]})
    (tmp_path / "model.onnx").write_bytes(to_onnx(LinearRegression().fit(frame, [0.0, 1.0]), frame))
    check_files(tmp_path)
