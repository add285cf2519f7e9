"""Types of an author's own, which skops may load when model.yaml names them, and only those."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.fixtures import tiny
from trimtab.artifact.model_files import untrusted
from trimtab.authoring.inference import model_fn
from trimtab.authoring.job import Job, run

FEATURES = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Above(ClassifierMixin, BaseEstimator):
    def __init__(self, limit=0.0):
        self.limit = limit

    def fit(self, features, label):
        self.classes_ = np.array([0, 1])
        self.share_ = float(label[features["load"] > self.limit].mean())
        return self

    def predict_proba(self, features):
        found = np.where(features["load"] > self.limit, self.share_, 1 - self.share_)
        return np.column_stack([1 - found, found])
"""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job whose author has an estimator of their own in a module beside train.py."""
    for name in ("train", "code"):
        (tmp_path / name).mkdir()
    pq.write_table(tiny.month(1), tmp_path / "train" / "part.parquet")
    (tmp_path / "code" / "features.py").write_text(FEATURES)
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    monkeypatch.delitem(sys.modules, "features", raising=False)
    return Job(tmp_path / "train", tmp_path / "model", tmp_path / "code", {})


def train(job: Job, *trusted: str) -> None:
    training = tiny.SPEC.training.model_copy(update={"trusted_types": trusted})
    (job.code / "model.json").write_text(tiny.SPEC.model_copy(update={"training": training}).canonical_json())
    import features  # the module of the author that the fixture has written

    run(job, lambda rows, label, *_: features.Above(50.0).fit(rows, label))


def test_a_type_that_model_yaml_names_is_stored_and_served(job: Job) -> None:
    train(job, "features.Above")
    assert (job.model / "model.skops").is_file()
    served = model_fn(str(job.model))
    records: list[dict[str, Any]] = [
        {"id": n, "load": load, "heat": None, "age": 1, "site": "west"} for n, load in enumerate((10.0, 90.0))
    ]
    scores = served.scores(records)
    rows = tiny.month(1).to_pandas()
    share = rows["failed"][rows["load"] > 50].mean()
    assert scores == pytest.approx(np.array([1 - share, share]))
    assert json.loads((job.model / "contract.json").read_text())["trusted_types"] == ["features.Above"]


@pytest.mark.parametrize("trusted", [(), ("features.Below",), ("features",)])
def test_a_type_that_model_yaml_does_not_name_fails_the_job_with_its_name(job: Job, trusted: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit, match=r"features\.Above.*trusted_types"):
        train(job, *trusted)
    assert not (job.model / "model.skops").exists()


def test_nobody_can_trust_what_runs_anything() -> None:
    named = ["os.system", "builtins.eval", "subprocess.Popen", "numpy.load", "joblib.load", "posix.system", "own.Thing"]
    assert untrusted(named, named) == named[:-1]
    assert untrusted(["functools.partial"], []) == []
