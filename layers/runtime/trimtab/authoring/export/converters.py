"""Converters in double precision, registered with skl2onnx in place of its own where those change answers.

skl2onnx writes trees with thresholds in single precision, ignores missing values and categories in them, and has no
doubles for imputers and linear models. What has no converter here is left to skl2onnx.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from trimtab.authoring.export.forests import Forest, of_hist_boosting, of_sklearn_trees, of_xgboost
from trimtab.authoring.export.trees import attributes

Convert = Callable[[Any, Any, Any], None]
TREES = "trimtab.trees"
"""Domain of TreeEnsemble until the file is finished: skl2onnx does not know the version of ai.onnx.ml that has it."""


class Writer:
    """Adds nodes to the graph of one converter; every method returns the name of what it makes."""

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope, self._container = scope, container

    def node(
        self, kind: str, *inputs: str, out: str | None = None, opset: int = 13, domain: str = "", **more: Any
    ) -> str:
        """One node with one output, called ``out`` when that is given."""
        made = out or self._scope.get_unique_variable_name(kind.lower())
        name = self._scope.get_unique_operator_name(kind)
        self._container.add_node(kind, list(inputs), [made], op_domain=domain, op_version=opset, name=name, **more)
        return made

    def constant(self, values: Any) -> str:
        """An initializer with the type and shape of the array."""
        from onnx import TensorProto

        array = np.asarray(values)
        kinds = {"f8": TensorProto.DOUBLE, "i8": TensorProto.INT64}
        if array.dtype.kind in "OU":
            kind, flat = TensorProto.STRING, [str(each).encode() for each in array.ravel()]
        else:
            kind, flat = kinds[array.dtype.str[1:]], array.ravel().tolist()
        name = self._scope.get_unique_variable_name("constant")
        self._container.add_initializer(name, kind, list(array.shape), flat)
        return str(name)

    def doubles(self, operator: Any, *, single_precision: bool = False) -> str:
        """All inputs of the operator side by side, (rows, columns), in double; rounded to single first when asked."""
        from onnx import TensorProto

        names = [each.full_name for each in operator.inputs]
        joined = self.node("Concat", *self._cast(names), axis=1) if len(names) > 1 else self._cast(names)[0]
        if not single_precision:
            return joined
        return self.node("Cast", self.node("Cast", joined, to=TensorProto.FLOAT), to=TensorProto.DOUBLE)

    def _cast(self, names: list[str]) -> list[str]:
        from onnx import TensorProto

        return [self.node("Cast", name, to=TensorProto.DOUBLE) for name in names]

    def label(self, operator: Any, probabilities: str) -> None:
        """The operator's first output: the most likely class."""
        best = self.node("ArgMax", probabilities, axis=1, keepdims=0)
        classes = operator.raw_operator.classes_
        known = classes.astype(np.int64) if classes.dtype.kind in "biu" else classes.astype(str)
        self.node("Gather", self.constant(known), best, out=operator.outputs[0].full_name, axis=0)

    def two_sided(self, positive: str, out: str) -> str:
        """(rows, 2) of the probability of the second class (rows, 1)."""
        return self.node("Concat", self.node("Sub", self.constant(np.ones(1)), positive), positive, out=out, axis=1)


def forest_converter(forest_of: Callable[[Any], Forest]) -> Convert:
    """A converter for models that ``forest_of`` can read."""

    def convert(scope: Any, operator: Any, container: Any) -> None:
        write, forest = Writer(scope, container), forest_of(operator.raw_operator)
        given = write.doubles(operator, single_precision=forest.single_precision)
        made = attributes(forest.trees, len(forest.base))
        summed = write.node("TreeEnsemble", given, opset=1, domain=TREES, **made)
        finish(write, operator, write.node("Add", summed, write.constant(forest.base)), forest.link)

    return convert


def finish(write: Writer, operator: Any, raw: str, link: str) -> None:
    """The operator's outputs are made of ``raw`` (rows, outputs): the answer, or label and probabilities."""
    answer = operator.outputs[-1].full_name
    if not hasattr(operator.raw_operator, "classes_"):
        write.node({"identity": "Identity", "exp": "Exp"}[link], raw, out=answer)
        return
    if len(operator.raw_operator.classes_) == 2:
        positive = write.node("Sigmoid", raw) if link == "logistic" else raw
        write.two_sided(positive, answer)
    elif link == "softmax":
        write.node("Softmax", raw, out=answer, axis=1)
    else:
        write.node("Identity", raw, out=answer)
    write.label(operator, answer)


def convert_linear(scope: Any, operator: Any, container: Any) -> None:
    """LinearRegression, Ridge, Lasso, ElasticNet: X w + b."""
    write, model = Writer(scope, container), operator.raw_operator
    weights = np.asarray(model.coef_, dtype=np.float64).reshape(-1, model.n_features_in_).T
    bias = np.broadcast_to(np.asarray(model.intercept_, dtype=np.float64).ravel(), weights.shape[1:])
    raw = write.node(
        "Add", write.node("MatMul", write.doubles(operator), write.constant(weights)), write.constant(bias)
    )
    finish(write, operator, raw, "identity" if not hasattr(model, "classes_") else _link(model))


def _link(model: Any) -> str:
    """How LogisticRegression turns its decision function into probabilities."""
    return "logistic" if len(model.classes_) == 2 else "softmax"


def convert_scaler(scope: Any, operator: Any, container: Any) -> None:
    """StandardScaler: (x - mean) / scale."""
    write, model = Writer(scope, container), operator.raw_operator
    count = model.n_features_in_
    mean = np.zeros(count) if model.mean_ is None or not model.with_mean else model.mean_
    scale = np.ones(count) if model.scale_ is None else model.scale_
    centred = write.node("Sub", write.doubles(operator), write.constant(np.asarray(mean, dtype=np.float64)))
    write.node("Div", centred, write.constant(np.asarray(scale, dtype=np.float64)), out=operator.outputs[0].full_name)


def convert_imputer(scope: Any, operator: Any, container: Any) -> None:
    """SimpleImputer for numbers: the statistic where the value is missing."""
    model = operator.raw_operator
    if model.add_indicator or model.statistics_.dtype.kind not in "biuf" or not np.isnan(model.missing_values):
        raise ValueError("SimpleImputer has an equal for numbers, NaN and no indicator only")
    write = Writer(scope, container)
    given = write.doubles(operator)
    statistics = write.constant(np.asarray(model.statistics_, dtype=np.float64))
    write.node("Where", write.node("IsNaN", given), statistics, given, out=operator.outputs[0].full_name)


def _wide_shape(operator: Any) -> None:
    """One output of doubles, as many columns as the transformer was fitted with."""
    from skl2onnx.common.data_types import DoubleTensorType

    operator.outputs[0].type = DoubleTensorType([None, operator.raw_operator.n_features_in_])


def _answer_shape(operator: Any) -> None:
    """A regression's one column, or a classifier's label and probabilities."""
    from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType, StringTensorType

    classes = getattr(operator.raw_operator, "classes_", None)
    if classes is None:
        operator.outputs[0].type = DoubleTensorType([None, 1])
        return
    label = Int64TensorType if classes.dtype.kind in "biu" else StringTensorType
    operator.outputs[0].type = label([None])
    operator.outputs[1].type = DoubleTensorType([None, len(classes)])


def register() -> None:
    """skl2onnx uses these converters from now on."""
    from sklearn import ensemble, impute, linear_model, preprocessing, tree

    forests = {
        of_hist_boosting: (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor),
        of_sklearn_trees: (
            *(tree.DecisionTreeClassifier, tree.DecisionTreeRegressor),
            *(ensemble.RandomForestClassifier, ensemble.RandomForestRegressor),
            *(ensemble.ExtraTreesClassifier, ensemble.ExtraTreesRegressor),
        ),
        of_xgboost: _xgboost_models(),
    }
    for forest_of, models in forests.items():
        for model in models:
            _register(model, _answer_shape, forest_converter(forest_of))
    linear = ("LinearRegression", "Ridge", "Lasso", "ElasticNet", "LogisticRegression")
    for name in linear:
        _register(getattr(linear_model, name), _answer_shape, convert_linear)
    _register(preprocessing.StandardScaler, _wide_shape, convert_scaler)
    _register(impute.SimpleImputer, _wide_shape, convert_imputer)


def _xgboost_models() -> tuple[type, ...]:
    """XGBoost's models for scikit-learn, where the image has XGBoost."""
    try:
        import xgboost
    except ImportError:
        return ()
    return xgboost.XGBClassifier, xgboost.XGBRegressor


def _register(model: type, shape: Callable[[Any], None], convert: Convert) -> None:
    from skl2onnx import update_registered_converter

    options = {"zipmap": [False, True], "nocl": [False, True], "output_class_labels": [False, True]}
    update_registered_converter(
        model,
        f"Trimtab{model.__name__}",
        shape,
        convert,
        overwrite=True,
        options=options if hasattr(model, "predict_proba") else None,
    )
