"""The training job, without SageMaker: what stands in the model folder afterwards."""

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from tests.fixtures import tiny
from trimtab.artifact.model_files import pickles_in
from trimtab.artifact.parity import largest_difference
from trimtab.authoring.contract import Contract
from trimtab.authoring.inference import model_fn
from trimtab.authoring.job import Job, read_channel, run
from trimtab.evaluation.holdout import Rows


def by_load(features: pd.DataFrame, label: pd.Series, *_: Any) -> Any:
    """A small model of a table with a text among its columns."""
    columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["site"]), remainder="passthrough")
    return make_pipeline(columns, DecisionTreeClassifier(max_depth=3)).fit(features, label)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    train, code = tmp_path / "train", tmp_path / "code"
    train.mkdir()
    code.mkdir()
    (code / "model.json").write_text(tiny.SPEC.canonical_json())
    pq.write_table(tiny.month(1), train / "part.parquet")
    return Job(train, tmp_path / "model", code, {"max_depth": 3, "sagemaker_program": "train.py"})


def test_the_author_gets_features_label_hyperparameters_and_seed(job: Job) -> None:
    seen: list[Any] = []

    def fit(features: pd.DataFrame, label: pd.Series, hyperparameters: Mapping[str, Any], seed: int) -> Any:
        seen.extend([list(features.columns), sorted(label.unique()), dict(hyperparameters), seed])
        return by_load(features, label)

    run(job, fit)
    assert seen[:4] == [["age", "heat", "load", "site"], [0, 1], {"max_depth": 3, "min_samples_leaf": 20}, 0]


def test_global_generators_are_seeded(job: Job) -> None:
    drawn: list[tuple[float, float]] = []

    def fit(features: pd.DataFrame, label: pd.Series, hyperparameters: Mapping[str, Any], seed: int) -> Any:
        drawn.append((random.random(), float(np.random.random())))
        return by_load(features, label)

    run(job, fit)
    run(job, fit)
    assert drawn[0] == drawn[1]


def test_the_model_folder_serves_itself(job: Job) -> None:
    run(job, by_load)
    code = job.model / "code"
    assert (code / "inference.py").exists()
    assert (code / "trimtab" / "authoring" / "inference.py").exists()
    served = model_fn(str(job.model))
    assert served.contract.trained_until == tiny.month(1).column("at")[-1].as_py().isoformat()
    record = {"id": 1, "load": 60.0, "heat": None, "age": 3, "site": "west"}
    assert json.loads(served.answer(json.dumps(record)))["id"] == 1


def test_the_model_folder_holds_no_pickle(job: Job) -> None:
    run(job, by_load)
    assert (job.model / "model.onnx").exists()
    assert pickles_in(job.model) == []
    assert not (job.model / "code" / "trimtab" / "authoring" / "export").exists()


def test_the_model_s_own_answers_to_the_hold_out_stand_beside_it(job: Job, tmp_path: Path) -> None:
    """In the order of the rows, and only once ``fit`` has returned."""
    holdout = tmp_path / "holdout_features"

    def fit(features: pd.DataFrame, label: pd.Series, *_: Any) -> Any:
        holdout.mkdir(exist_ok=True)
        pq.write_table(tiny.month(2).drop_columns(["failed"]), holdout / "part.parquet")
        return by_load(features, label)

    run(replace(job, holdout_features=holdout), fit)
    native = np.load(job.model / "native_scores.npy", allow_pickle=False)
    served = model_fn(str(job.model))
    records = Rows(tiny.month(2), "failed", "at").records(["id", *served.contract.names])
    assert len(records) == 600
    assert largest_difference(served.scores(records), native) < 1e-12


class Own:
    """An estimator of the author's, of which no file format knows."""

    classes_ = np.array([0, 1])

    def predict_proba(self, features: pd.DataFrame) -> np.ndarray:
        return np.full((len(features), 2), 0.5)


def test_a_model_that_only_a_pickle_could_hold_fails_with_advice(job: Job) -> None:
    with pytest.raises(SystemExit, match=r"without a pickle.*onnx: .*skops: .*scikit-learn or XGBoost"):
        run(job, lambda *_: Own())


def test_a_classifier_that_has_seen_one_class_is_refused(job: Job) -> None:
    def fit(features: pd.DataFrame, label: pd.Series, *_: Any) -> Any:
        return by_load(features, label * 0)

    with pytest.raises(SystemExit, match="learns from 0 and 1"):
        run(job, fit)


def test_the_author_s_own_modules_come_along(job: Job) -> None:
    (job.code / "features.py").write_text("TWO = 2\n")
    (job.code / "inference.py").write_text("OWN = True\n")
    run(job, by_load)
    assert (job.model / "code" / "features.py").read_text() == "TWO = 2\n"
    assert (job.model / "code" / "inference.py").read_text() == "OWN = True\n"


def test_the_metrics_are_printed_for_sagemaker(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(job, by_load)
    assert f"train_auc={found['train_auc']:.6g}\n" in capsys.readouterr().out
    assert found["train_rows"] == 600


def test_the_toolkit_s_variables_say_where_things_are(tmp_path: Path) -> None:
    job = Job.of_environment({"SM_MODEL_DIR": "/m", "SM_HPS": '{"a": 1}'}, tmp_path)
    assert (str(job.train), str(job.model), job.hyperparameters) == ("/opt/ml/input/data/train", "/m", {"a": 1})


def test_an_empty_channel_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no Parquet file"):
        read_channel(tmp_path)


def test_the_contract_survives_the_folder(tmp_path: Path) -> None:
    contract = Contract.of_spec(json.loads(tiny.SPEC.canonical_json()))
    contract.write(tmp_path)
    assert Contract.read(tmp_path) == contract
    assert contract.names == sorted(tiny.SPEC.data.features)
