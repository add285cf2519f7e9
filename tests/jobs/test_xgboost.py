"""XGBoost in the packages of AWS's image for it: trained, written as ONNX by the job kit, evaluated, as processes."""

import shutil
from typing import Any

import pytest

from localcloud.toolchain import Toolchain
from stacks.job_kit import built_kit
from tests.fixtures import tiny
from tests.jobs.test_training_and_evaluation import Jobs
from trimtab.evaluation.gates import judge

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
TRAIN = """from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from xgboost import XGBClassifier

from trimtab.authoring import train


def fit(features, label, hyperparameters, seed):
    coded = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    trees = XGBClassifier(n_estimators=60, max_depth=4, random_state=seed)
    columns = make_column_transformer((coded, ["site"]), remainder="passthrough")
    return make_pipeline(columns, trees).fit(features, label)


if __name__ == "__main__":
    train(fit)
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the evaluation says of boosted trees that learned January."""
    root = tmp_path_factory.mktemp("xgboost")
    author, kit = root / "author", root / "kit"
    author.mkdir()
    (author / "train.py").write_text(TRAIN)
    kit.mkdir()
    shutil.copy(built_kit(), kit)
    jobs = Jobs(root / "job", str(Toolchain().image(IMAGE).python), kit)
    jobs.prepare(tiny.month(1, rows=3_000), author)
    assert "train_auc=" in jobs.train()
    names = {path.relative_to(jobs.root / "model").as_posix() for path in (jobs.root / "model").iterdir()}
    assert {"model.onnx", "code", "native_scores.npy", "native_ids.npy"} <= names
    return jobs.evaluate()


def test_trees_of_xgboost_are_served_as_onnx_and_answer_as_xgboost_does(report: dict[str, Any]) -> None:
    """XGBoost adds up leaves in single precision, so answers differ in the seventh place, and not by nothing."""
    serving = report["serving"]
    assert (serving["format"], serving["pickles"], serving["reason"]) == ("onnx", [], "")
    assert serving["parity"]["rows"] == report["n"] == 750
    assert 0 < serving["parity"]["max_difference"] < 1e-6


def test_they_pass_the_gates_that_a_scikit_learn_model_passes(report: dict[str, Any]) -> None:
    judgement = judge(report, tiny.SPEC.evaluation, "s3://e")
    assert judgement.passed, [gate.message for gate in judgement.gates]
