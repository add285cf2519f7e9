"""A fitted model as an ONNX file whose inputs are the columns that ``fit`` saw."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trimtab.authoring.export.converters import TREES, register
from trimtab.authoring.export.trees import OPSET as TREE_OPSET
from trimtab.authoring.predictors import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

OUTPUT = "scores"
ML = "ai.onnx.ml"
IR_VERSION = 10
_OPSETS = {"": 21, "ai.onnx.ml": 3}


class NoEqual(Exception):
    """Raised when a model cannot be said in ONNX; the message says what stands in the way."""


def to_onnx(model: Any, features: "pd.DataFrame") -> bytes:
    """The model as bytes of an ONNX file with one output ``scores``: (rows, classes), or (rows, 1) of a regression.

    Numbers go in as doubles, in one matrix where the model does not ask for columns by name. Which columns an input
    holds stands in the file's metadata ``columns``. ``features`` is what ``fit`` saw. Raises NoEqual.
    """
    import skl2onnx

    register()
    names = [str(name) for name in features.columns]
    as_matrix = _takes_matrix(model) and all(each.kind in "biuf" for each in features.dtypes)
    inputs = [("features", _matrix(len(names)))] if as_matrix else list(_types(features))
    options = {"zipmap": False} if hasattr(model, "predict_proba") else None
    try:
        made = skl2onnx.to_onnx(_pipeline(model), initial_types=inputs, options=options, target_opset=_OPSETS)
        held = [names] if as_matrix else [[name] for name in names]
        columns = {each.name: held_by for each, held_by in zip(made.graph.input, held, strict=True)}
        return _only_scores(made, columns).SerializeToString()  # type: ignore[no-any-return]
    except Exception as error:  # converters of other people: whatever they raise says that there is no equal
        text = " ".join(str(error).split())
        raise NoEqual(f"{type(error).__name__}: {text[:300]}") from error


def _takes_matrix(model: Any) -> bool:
    """Whether no step of the model asks for columns by their names."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline

    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    return not any(isinstance(step, ColumnTransformer | FeatureUnion) for step in steps)


def _matrix(width: int) -> Any:
    from skl2onnx.common.data_types import DoubleTensorType

    return DoubleTensorType([None, width])


def _pipeline(model: Any) -> Any:
    """The model as a pipeline, so that its columns, which come one by one, are put side by side first."""
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    if isinstance(model, Pipeline):
        return model
    return Pipeline([("columns", FunctionTransformer()), ("model", model)])


def _types(features: "pd.DataFrame") -> Iterator[tuple[str, Any]]:
    from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType, StringTensorType

    for name in features.columns:
        column = features[name]
        if column.dtype.kind in "biuf":
            yield name, DoubleTensorType([None, 1])
        elif column.dtype.kind == "M":
            yield name, Int64TensorType([None, 1])
        else:
            yield name, StringTensorType([None, 1])


def _only_scores(made: Any, columns: dict[str, list[str]]) -> Any:
    """The graph with the one output that is served, without what that does not need."""
    import onnx
    from onnx import TensorProto, helper

    graph, answer = made.graph, made.graph.output[-1].name
    # Not every converter declares the type that its output has, so the type is made.
    graph.node.append(helper.make_node("Cast", [answer], [OUTPUT], name="Scores", to=TensorProto.DOUBLE))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.DOUBLE, [None, None]))
    del graph.value_info[:]
    _keep(graph, _needed(graph))
    _name_trees(made)
    made.ir_version = min(made.ir_version, IR_VERSION)
    made.producer_name, made.doc_string = "trimtab", ""
    kept = {each.name: columns[each.name] for each in graph.input}
    helper.set_model_props(made, {COLUMNS: json.dumps(kept)})
    onnx.checker.check_model(made)
    return made


def _name_trees(made: Any) -> None:
    """TreeEnsemble stands in its own domain, whose version is raised for it; the checker finds what cannot be there."""
    from onnx import helper

    trees = [node for node in made.graph.node if node.domain == TREES]
    for node in trees:
        node.domain = ML
    versions = {each.domain: each.version for each in made.opset_import if each.domain != TREES}
    versions |= {ML: TREE_OPSET} if trees else {}
    del made.opset_import[:]
    made.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in sorted(versions.items()))


def _needed(graph: Any) -> set[str]:
    """Names of all that the output is made of."""
    wanted = {each.name for each in graph.output}
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
    return wanted


def _keep(graph: Any, wanted: set[str]) -> None:
    nodes = [node for node in graph.node if wanted & set(node.output)]
    constants = [each for each in graph.initializer if each.name in wanted]
    inputs = [each for each in graph.input if each.name in wanted]
    for field, kept in (("node", nodes), ("initializer", constants), ("input", inputs)):
        graph.ClearField(field)
        getattr(graph, field).extend(kept)
