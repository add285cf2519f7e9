"""A model with declared features through both jobs, as processes: learned, stored, asked and judged."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import tiny
from tests.jobs.test_training_and_evaluation import Jobs
from trimtab.evaluation.gates import read_report
from trimtab.spec import Spec

FEATURES = {
    "rules": [
        {"columns": ["load", "heat"], "steps": [{"do": "impute", "indicator": True}, "scale"]},
        {"columns": ["site"], "steps": ["one_hot"]},
        {"columns": ["age"], "suffix": "_mean", "steps": [{"do": "target_encode"}]},
        {"columns": ["at"], "steps": [{"do": "cyclic", "parts": ["hour", "weekday"], "zone": "America/New_York"}]},
        {"columns": ["load", "age"], "steps": [{"do": "custom", "name": "worn"}]},
    ]
}
AUTHOR = "def worn(columns):\n    return (columns['load'] * columns['age']).to_frame('worn')\n"
TRAIN = """
from sklearn.linear_model import LogisticRegression

from trimtab.authoring import train


def fit(features, label, hyperparameters, seed):
    assert features.dtypes.astype(str).unique().tolist() == ["float64"], features.dtypes
    assert not features.isna().any().any()
    return LogisticRegression(max_iter=2000, random_state=seed).fit(features, label)


if __name__ == "__main__":
    train(fit)
"""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    made = Jobs(tmp_path_factory.mktemp("declared"))
    made.prepare(tiny.month(1, rows=2_000))
    spec = Spec.model_validate(tiny.SPEC.model_dump() | {"features": FEATURES})
    (made.code / "model.json").write_text(spec.canonical_json())
    (made.code / "train.py").write_text(TRAIN)
    (made.code / "features.py").write_text(AUTHOR)
    made.train()
    return made


def test_a_model_that_takes_only_numbers_is_trained_and_judged_on_raw_rows(jobs: Jobs) -> None:
    report: dict[str, Any] = jobs.evaluate()
    assert report["metrics"]["candidate"]["auc"] > 0.6
    assert set(report["importance"]) == {"age", "at", "heat", "load", "site"}


def test_what_was_learned_lies_in_the_artifact_as_json(jobs: Jobs) -> None:
    learned = json.loads((jobs.root / "model" / "features.json").read_text())
    assert learned["outputs"][:4] == ["load", "heat", "load_missing", "heat_missing"]
    assert learned["outputs"][-1] == "worn"
    assert (jobs.root / "model" / "code" / "features.py").read_text() == AUTHOR
    assert (jobs.root / "model" / "code" / "trimtab" / "features" / "fitted.py").exists()


def test_golden_records_hold_the_event_time_that_the_features_read(jobs: Jobs) -> None:
    jobs.evaluate()
    folder: Path = jobs.base / "evaluation"
    assert read_report((folder / "evaluation.json").read_bytes())
    golden = json.loads((folder / "golden.jsonl").read_text().splitlines()[0])
    assert set(golden["request"]) == {"id", "at", "age", "heat", "load", "site"}
