"""Models as ONNX answer as they do themselves: every row, every kind of problem, gaps and unseen values among them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from trimtab.artifact.parity import largest_difference
from trimtab.authoring.export.onnx_file import NoEqual, to_onnx
from trimtab.authoring.export.save import save_model
from trimtab.authoring.predictors import OnnxPredictor, load, scores_of

ROWS = 1_500
WANTED = {"format": "auto", "tolerance": 1e-6}
NUMBERS = ["age", "heat", "load"]


def table(seed: int, sites: str = "abcd") -> pd.DataFrame:
    random = np.random.default_rng(seed)
    heat = np.where(random.random(ROWS) < 0.1, np.nan, random.normal(20, 10, ROWS))
    site = pd.Series(random.choice([*sites], ROWS), dtype=object)
    load_ = random.choice([0.1, 0.2, 0.1 + 0.2, 0.3, np.nextafter(0.3, 0)], ROWS)
    return pd.DataFrame({"age": random.integers(0, 40, ROWS), "heat": heat, "load": load_, "site": site})


def number(rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(
        rows["age"] * 3 + rows["load"] * 40 + rows["heat"].fillna(-5) + rows["site"].map(ord).to_numpy() % 5
    )


def coded() -> Any:
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    return make_column_transformer((encoder, ["site"]), remainder="passthrough")


def wide() -> Any:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["site"]), (numbers, NUMBERS))


def classes(rows: pd.DataFrame, count: int) -> np.ndarray:
    return np.asarray(pd.qcut(number(rows), count, labels=False))


MODELS = {
    "boosting, binary": (
        make_pipeline(coded(), HistGradientBoostingClassifier(max_iter=25, categorical_features=[0])),
        "binary",
    ),
    "boosting, classes": (make_pipeline(coded(), HistGradientBoostingClassifier(max_iter=15)), "multiclass"),
    "boosting, number": (
        make_pipeline(coded(), HistGradientBoostingRegressor(max_iter=25, categorical_features=[0])),
        "regression",
    ),
    "boosting, counts": (
        make_pipeline(coded(), HistGradientBoostingRegressor(loss="poisson", max_iter=15)),
        "regression",
    ),
    "tree": (make_pipeline(coded(), DecisionTreeClassifier(max_depth=6)), "binary"),
    "forest": (make_pipeline(coded(), RandomForestClassifier(8, max_depth=6)), "multiclass"),
    "extra trees": (make_pipeline(wide(), ExtraTreesRegressor(8, max_depth=6)), "regression"),
    "logistic": (make_pipeline(wide(), LogisticRegression()), "binary"),
    "softmax": (make_pipeline(wide(), LogisticRegression()), "multiclass"),
    "ridge": (make_pipeline(wide(), Ridge()), "regression"),
    "network": (make_pipeline(wide(), MLPClassifier((16, 8), max_iter=60, random_state=0)), "binary"),
    "single precision": (make_pipeline(wide(), GradientBoostingClassifier(n_estimators=15)), "binary"),
}


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("name", MODELS)
def test_every_row_is_answered_as_the_model_does(name: str) -> None:
    model, problem = MODELS[name]
    rows = table(1)
    label = (
        number(rows) - number(rows).min() if problem == "regression" else classes(rows, 2 if problem == "binary" else 3)
    )
    model.fit(rows, label)
    unseen = table(2, sites="abcdxyz")
    unseen.loc[::50, "site"] = None
    served = OnnxPredictor(to_onnx(model, rows), problem)
    for asked in (rows, unseen) if name not in ("extra trees",) else (rows,):
        native = scores_of(model, problem, asked)
        assert native.shape == (ROWS, 3) if problem == "multiclass" else (ROWS,)
        limit = 1e-6 if name in ("single precision", "network") else 1e-12
        assert largest_difference(served.scores(asked), native) < limit


def test_classes_that_are_texts_keep_their_order(tmp_path: Any) -> None:
    rows = table(1)
    label = np.array(["odd", "calm", "wild"], dtype=object)[classes(rows, 3)]
    model = make_pipeline(wide(), LogisticRegression()).fit(rows, label)
    served = OnnxPredictor(to_onnx(model, rows), "multiclass").scores(rows)
    assert list(model.classes_) == ["calm", "odd", "wild"]
    assert largest_difference(served, model.predict_proba(rows)) < 1e-12


def test_columns_of_any_name_are_one_matrix_where_the_model_takes_them_all() -> None:
    rows = table(1)[NUMBERS].fillna(0).rename(columns={"age": "site=north", "heat": "dest~late", "load": "note#3"})
    model = HistGradientBoostingRegressor(max_iter=5).fit(rows, rows["site=north"])
    served = OnnxPredictor(to_onnx(model, rows), "regression")
    lists = {name: rows[name].tolist() for name in rows}
    assert largest_difference(served.scores(lists), model.predict(rows)) < 1e-12
    assert len(served._inputs) == 1


def test_a_model_that_onnx_cannot_say_is_served_by_skops(tmp_path: Any) -> None:
    rows = table(1)[NUMBERS].fillna(0)
    model = make_pipeline(FunctionTransformer(np.sinh), Ridge()).fit(rows / 10, number(table(1)))
    with pytest.raises(NoEqual):
        to_onnx(model, rows)
    saved = save_model(model, "regression", rows / 10, tmp_path, WANTED)
    assert (saved.format, "FunctionTransformer" in saved.reason) == ("skops", True)
    assert [path.name for path in tmp_path.iterdir()] == ["model.skops"]
    assert largest_difference(load(tmp_path, "regression").scores(rows / 10), model.predict(rows / 10)) == 0


def test_a_file_that_answers_otherwise_is_not_served(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thresholds in single precision, as converters write them: the rows on the edge go the other way."""
    rows = table(1)[NUMBERS].fillna(0)
    model = HistGradientBoostingRegressor(max_iter=20).fit(rows, number(table(1)))
    from trimtab.authoring.export import trees

    exact = trees._Columns._splits

    def rounded(self: Any, tree: Any, *more: Any) -> Any:
        found = exact(self, tree, *more)
        return found | {"nodes_splits": found["nodes_splits"].astype(np.float32).astype(np.float64)}

    monkeypatch.setattr(trees._Columns, "_splits", rounded)
    shown = rows.assign(load=np.nextafter(0.3, 1))
    with pytest.raises(SystemExit, match=r"onnx: its answers differ"):
        save_model(
            model, "regression", pd.concat([rows, shown]), tmp_path, WANTED | {"format": "onnx", "tolerance": 1e-12}
        )
    assert not list(tmp_path.iterdir())
