"""A model of classes and one of numbers through both jobs, as processes: learned, stored, asked and judged."""

import json
import shutil
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.fixtures import tiny
from tests.jobs.test_training_and_evaluation import Jobs
from trimtab.data.profile import Profile
from trimtab.evaluation.gates import judge
from trimtab.measures import names_of
from trimtab.spec import Spec

TRAIN = """
from sklearn.compose import make_column_transformer
from sklearn.ensemble import {estimator}
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from trimtab.authoring import train


def fit(features, label, hyperparameters, seed):
    site = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["site"]), remainder="passthrough")
    return make_pipeline(site, {estimator}(n_estimators=20, max_depth=4, random_state=seed)).fit(features, label)


if __name__ == "__main__":
    train(fit)
"""
ESTIMATORS = {"multiclass": "RandomForestClassifier", "regression": "RandomForestRegressor"}
BASELINES = {"multiclass": "prevalence", "regression": "mean"}
LABEL_TYPES = {"multiclass": "string", "regression": "number"}


@dataclass(frozen=True)
class Made:
    """A trained model and what its evaluation found."""

    jobs: Jobs
    spec: Spec
    report: dict[str, Any]

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.jobs.base / "evaluation" / name).read_text().splitlines()]


def labelled(problem: str) -> pa.Table:
    """January, its label about the load: a number, or one of three words."""
    rows = tiny.month(1, rows=2_000)
    load = np.asarray(rows.column("load").to_numpy())
    number = 2 * load + np.random.default_rng(0).normal(0, load.std(), len(load))
    words = np.array(["low", "middle", "top"], dtype=object)[np.digitize(number, np.quantile(number, [0.3, 0.7]))]
    label = pa.array(number if problem == "regression" else words)
    return rows.set_column(rows.column_names.index("failed"), "failed", label)


def spec_of(problem: str) -> Spec:
    document = tiny.SPEC.model_dump(mode="json")
    document["problem"] = problem
    document["data"]["columns"]["failed"] = {"type": LABEL_TYPES[problem]}
    document["evaluation"] = {"slices": ["site"], "bootstrap_rounds": 100, "baseline": BASELINES[problem]}
    for section in ("monitoring", "retraining"):
        document.pop(section, None)
    return Spec.model_validate(document)


@pytest.fixture(scope="module", params=sorted(ESTIMATORS))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The model is its own champion, so that every comparison has been made."""
    problem = str(request.param)
    jobs, spec = Jobs(tmp_path_factory.mktemp(problem)), spec_of(problem)
    jobs.prepare(labelled(problem), spec=spec)
    (jobs.code / "train.py").write_text(TRAIN.format(estimator=ESTIMATORS[problem]))
    jobs.train()
    shutil.copytree(jobs.archive.parent, jobs.base / "champion")
    contract = jobs.root / "model" / "contract.json"
    assert json.loads(contract.read_text())["problem"] == problem
    return Made(jobs, spec, jobs.evaluate())


def test_every_metric_of_the_kind_is_measured_and_the_baseline_is_beaten(made: Made) -> None:
    report, problem = made.report, made.spec.problem
    for model in ("candidate", "baseline", "champion"):
        assert set(report["metrics"][model]) - {"per_class"} == set(names_of(problem))
    primary = made.spec.evaluation.primary
    paired = report["paired"]["baseline"][primary]
    assert paired["lo"] > 0 if primary == "auc_macro" else paired["hi"] < 0
    gates = {gate.name: gate for gate in judge(report, made.spec.evaluation, "s3://e").gates}
    assert gates["baseline"].outcome == "pass", gates["baseline"].message
    assert gates["champion"].outcome == "refuse", "a copy of the champion is no better than it"


def test_what_is_served_answers_as_the_trained_model_did(made: Made) -> None:
    parity = made.report["serving"]["parity"]
    assert (made.report["serving"]["format"], parity["rows"]) == ("onnx", made.report["n"])
    assert parity["max_difference"] < 1e-6


def test_golden_records_hold_the_answer_of_the_kind(made: Made) -> None:
    golden = made.lines("golden.jsonl")
    assert len(golden) == 100
    for each in golden:
        answer = each["expected"]
        assert answer["id"] == each["request"]["id"]
        if made.spec.problem == "regression":
            assert isinstance(answer["score"], float)
        else:
            assert set(answer["scores"]) == {"low", "middle", "top"}
            assert answer["label"] == max(answer["scores"], key=answer["scores"].get)


def test_production_can_be_compared_with_the_scores_profile(made: Made) -> None:
    profile = Profile.loads((made.jobs.base / "evaluation" / "scores_profile.json").read_bytes())
    assert (profile.rows, list(profile.columns)) == (made.report["n"], ["score"])


def test_it_is_explained_by_what_it_really_reads(made: Made) -> None:
    assert next(iter(made.report["importance"])) == "load"
    assert next(iter(made.report["explain"]["shap"]["mean_absolute"])) == "load"
    curves = made.report["explain"]["dependence"][0]["curves"]
    assert set(curves) == ({"score"} if made.spec.problem == "regression" else {"low", "middle", "top"})
