"""The threshold of a binary model is chosen on rows that a second fit did not learn from."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import fbeta_score
from sklearn.tree import DecisionTreeClassifier

from tests.fixtures import tiny
from trimtab.authoring.checkpoints import VARIABLE, checkpoint_folder
from trimtab.authoring.contract import Contract
from trimtab.authoring.job import Job, run
from trimtab.authoring.validation import store_threshold
from trimtab.evaluation.threshold import THRESHOLD_FILE, best_threshold

ROWS = 600


class Counted:
    """A fit that says of how many rows it learned."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.kept: list[Path | None] = []

    def __call__(self, features: pd.DataFrame, label: pd.Series, *_: Any) -> Any:
        self.rows.append(len(features))
        self.kept.append(checkpoint_folder())
        return DecisionTreeClassifier(max_depth=3).fit(features.select_dtypes("number"), label)


def spec(**threshold: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(tiny.SPEC.canonical_json())
    made["evaluation"]["threshold"] |= threshold
    return made


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path / "train", tmp_path / "model", tmp_path / "code", {})
    for folder in (made.train, made.model, made.code):
        folder.mkdir()
    pq.write_table(tiny.month(1, rows=ROWS).drop_columns(["site"]), made.train / "part.parquet")
    (made.code / "model.json").write_text(json.dumps(without_site(spec())))
    return made


def without_site(made: Mapping[str, Any]) -> dict[str, Any]:
    columns = {name: column for name, column in made["data"]["columns"].items() if name != "site"}
    return {**made, "data": {**made["data"], "columns": columns}}


def stored(job: Job) -> dict[str, Any]:
    return dict(json.loads((job.model / THRESHOLD_FILE).read_text()))


def test_the_second_fit_leaves_out_the_last_rows_and_the_kept_model_none(job: Job) -> None:
    fit = Counted()
    run(job, fit)
    assert fit.rows == [ROWS, ROWS * 4 // 5]
    assert stored(job)["rows"] == ROWS // 5
    assert 0 < stored(job)["value"] < 1


@pytest.mark.parametrize("rule", [{"value": 0.3}, {"validation_share": 0}], ids=["a fixed value", "no share"])
def test_model_yaml_can_save_the_second_fit(job: Job, rule: dict[str, Any]) -> None:
    (job.code / "model.json").write_text(json.dumps(without_site(spec(**rule))))
    fit = Counted()
    run(job, fit)
    assert fit.rows == [ROWS]
    assert not (job.model / THRESHOLD_FILE).exists()


def test_several_hosts_fit_once_since_all_must_fit_or_none(job: Job) -> None:
    fit = Counted()
    run(replace(job, is_alone=False), fit)
    assert fit.rows == [ROWS]


def test_rows_of_one_class_choose_nothing(job: Job) -> None:
    table = tiny.month(1, rows=ROWS).drop_columns(["site"])
    last = pa.array([0 if place > ROWS / 2 else value for place, value in enumerate(table["failed"].to_pylist())])
    pq.write_table(table.set_column(table.column_names.index("failed"), "failed", last), job.train / "part.parquet")
    run(job, Counted())
    assert not (job.model / THRESHOLD_FILE).exists()


def test_the_second_fit_neither_finds_nor_leaves_checkpoints(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "checkpoints"))
    fit = Counted()
    run(job, fit)
    assert fit.kept == [tmp_path / "checkpoints", None]
    assert checkpoint_folder() == tmp_path / "checkpoints"


def test_a_model_that_learns_by_heart_is_called_better_by_rows_that_it_has_not_seen(tmp_path: Path) -> None:
    """On its own rows such a model is right at every threshold; on later rows it is not."""
    random = np.random.default_rng(3)
    load = random.uniform(0, 1, 2_000)
    noisy = (random.random(2_000) < load * 0.6).astype(int)
    table = pd.DataFrame({"id": range(2_000), "load": load, "failed": noisy})
    made = without_site(spec())
    made["data"]["columns"] = {name: made["data"]["columns"][name] for name in ("id", "load", "failed")}
    made["data"]["event_time"] = None

    def forest(features: pd.DataFrame, label: pd.Series) -> Any:
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(40, random_state=0).fit(features, label)

    learned, later = table[:1_000], table[1_000:]
    store_threshold(made, Contract.of_spec(made), learned, tmp_path, forest, tmp_path)
    unseen = json.loads((tmp_path / THRESHOLD_FILE).read_text())["value"]
    model = forest(learned[["load"]], learned["failed"])
    by_heart = best_threshold(learned["failed"], model.predict_proba(learned[["load"]])[:, 1], 1.0)
    scores = model.predict_proba(later[["load"]])[:, 1]
    at = {each: fbeta_score(later["failed"], scores >= each, beta=1.0) for each in (unseen, by_heart)}
    assert at[unseen] > at[by_heart] + 0.02, at
