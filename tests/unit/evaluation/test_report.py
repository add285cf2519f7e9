"""The report of schema 2, for every kind of problem and for candidates that nobody would wish for."""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.artifact.archive import Artifact
from trimtab.evaluation.contest import choose, kind_of, score_baselines
from trimtab.evaluation.directions import in_range, names_of
from trimtab.evaluation.holdout import Rows
from trimtab.evaluation.json_values import finite
from trimtab.evaluation.kinds import class_values
from trimtab.evaluation.report import build_report, measure_change
from trimtab.evaluation.task import Scores, Task
from trimtab.spec import parse_spec

PROBLEMS = ("binary", "multiclass", "regression")
SPEC = """
name: tiny
problem: {problem}
data:
  id: id
  event_time: at
  label: label
  columns:
    id: {{type: integer}}
    at: {{type: timestamp}}
    load: {{type: number, nullable: true}}
    site: {{type: string, nullable: true}}
    label: {{type: {label}}}
training: {{entry_point: train.py}}
evaluation: {{bootstrap_rounds: 100, slices: [site, "site*load"], last_value_by: [site], found_slices: 3}}
"""
LABELS = {"binary": "integer", "multiclass": "string", "regression": "number"}


def table(problem: str, n: int, seed: int = 0) -> pa.Table:
    """Rows an hour apart, whose label has to do with load."""
    random = np.random.default_rng(seed)
    load = random.normal(0, 1, n)
    label: Any = 2 * load + random.normal(0, 1, n)
    if problem == "binary":
        label = (label > 1).astype(int)
    if problem == "multiclass":
        label = np.array(["low", "middle", "top"], dtype=object)[np.digitize(label, [-1, 1])]
    times = np.datetime64("2026-01-01T00:00:00", "us") + np.arange(n) * np.timedelta64(1, "h")
    site = np.array(["north", "south", None], dtype=object)[random.integers(0, 3, n)]
    return pa.table({"id": np.arange(n), "at": times, "load": load, "site": pa.array(site), "label": pa.array(label)})


def task(problem: str, folder: Path, n: int = 400, champion: bool = True, holdout: pa.Table | None = None) -> Task:
    spec = json.loads(parse_spec(SPEC.format(problem=problem, label=LABELS[problem])).canonical_json())
    features = [{"name": name, "type": "number", "nullable": True} for name in ("load", "site")]
    (folder / "contract.json").write_text(json.dumps({"features": features, "trained_until": "2026-01-05T00:00:00"}))
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "inference.py").touch()
    artifact = Artifact(folder, 1_000, "0" * 64)
    rows = holdout if holdout is not None else table(problem, n)
    holdout_rows, train = (Rows(each, "label", "at") for each in (rows, table(problem, 600, seed=1)))
    return Task(
        spec=spec,
        run="run-1",
        holdout=holdout_rows,
        train=train,
        candidate=artifact,
        champion=artifact if champion else None,
        work=folder,
    )


def scores(made: Task, candidate: np.ndarray | None = None, error: str | None = None) -> Scores:
    """The constant baseline's scores, moved by the load, stand for candidate and champion."""
    values = class_values([made.train.column("label"), made.holdout.column("label")])
    kind = kind_of(made.spec, values)
    baselines = score_baselines(made, kind, ["load", "site"])
    n = len(made.holdout)
    linear = baselines["linear" if kind.problem == "regression" else "logistic"]
    shuffled = np.stack([linear[:n]] * 2)
    models = {"candidate": linear if candidate is None else np.concatenate([candidate, linear[n:]]), "champion": linear}
    return Scores(
        kind=kind,
        classes=values if kind.classes else (),
        label=kind.codes(made.holdout.column("label")),
        candidate=models["candidate"][:n],
        baselines={name: found[:n] for name, found in baselines.items()},
        champion=linear[:n] if made.champion and not error else None,
        champion_error=error,
        chosen={name: choose(made, kind, name, found[n:]) for name, found in (models | baselines).items()},
        shuffled=shuffled[:, np.sort(np.random.default_rng(0).choice(n, min(n, 1_000), replace=False))],
        answers=[],
        latencies_ms=np.array([1.0, 2.0]),
    )


def written(report: dict[str, Any]) -> dict[str, Any]:
    """As evaluation.json holds it: strict JSON."""
    return dict(json.loads(json.dumps(finite(report), allow_nan=False)))


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_report_has_every_part_that_gates_and_people_read(problem: str, tmp_path: Path) -> None:
    made = task(problem, tmp_path)
    report = written(build_report(made, scores(made)))
    assert (report["schema"], report["problem"], report["n"]) == (2, problem, 400)
    for model in ("candidate", "baseline", "champion"):
        metrics = {name: value for name, value in report["metrics"][model].items() if name != "per_class"}
        assert tuple(metrics) == names_of(problem)
        assert all(in_range(name, value) for name, value in metrics.items()), model
        assert all(low <= high for low, high in report["intervals"][model].values())
    assert set(report["paired"]["champion"]) == set(names_of(problem))
    assert set(report["baselines"]) == {*made_baselines(problem), "last_value"}
    assert report["champion"] == {"rows": 303, "error": None, "present": True, "change": 0.0}
    assert {"calibration", "bias", "bootstrap", "importance"} <= set(report)
    assert sum(fold["n"] for fold in report["folds"]) == 400


def made_baselines(problem: str) -> set[str]:
    return {"mean", "linear"} if problem == "regression" else {"prevalence", "logistic"}


def test_each_kind_has_its_own_facts_and_tests(tmp_path: Path) -> None:
    found = {}
    for problem in PROBLEMS:
        made = task(problem, tmp_path)
        found[problem] = written(build_report(made, scores(made)))
    assert set(found["binary"]["tests"]["champion"]) == {"delong", "mcnemar"}
    assert set(found["multiclass"]["tests"]["champion"]) == {"mcnemar"}
    assert set(found["regression"]["tests"]["baseline"]) == {"diebold_mariano"}
    assert found["binary"]["positives"] == found["binary"]["class_counts"]["1"]
    assert found["multiclass"]["classes"] == ["low", "middle", "top"]
    assert set(found["multiclass"]["metrics"]["candidate"]["per_class"]) == {"low", "middle", "top"}
    assert found["regression"]["class_counts"] is None
    assert found["binary"]["threshold"]["chosen_on"] == "newest training rows"
    assert found["binary"]["threshold"]["rows"] == 150
    assert found["regression"]["threshold"] is None


def test_the_best_baseline_is_the_one_to_beat(tmp_path: Path) -> None:
    made = task("regression", tmp_path)
    report = build_report(made, scores(made))
    best = min(report["baselines"], key=lambda name: report["baselines"][name]["rmse"])
    assert report["baseline"] == {"name": best, "chosen": "best"}
    assert report["metrics"]["baseline"] == report["baselines"][best]


def test_a_champion_that_failed_is_told_and_not_compared(tmp_path: Path) -> None:
    made = task("binary", tmp_path)
    report = written(build_report(made, scores(made, error="line 1 has no 'load'")))
    assert report["champion"] == {"rows": 0, "error": "line 1 has no 'load'", "present": True, "change": None}
    assert report["metrics"]["champion"] is report["paired"]["champion"] is report["tests"]["champion"] is None


def test_declared_slices_come_first_and_are_measured_against_rest_and_champion(tmp_path: Path) -> None:
    made = task("binary", tmp_path, n=1_500, champion=True)
    slices = written(build_report(made, scores(made)))["slices"]
    declared = [item for item in slices if item["declared"]]
    assert slices[: len(declared)] == declared
    assert {item["name"] for item in declared} >= {"site=north", "site=south", "site=missing"}
    assert any(item["columns"] == ["site", "load"] for item in declared)
    assert all(item["n"] >= 100 for item in slices)
    judged = [item for item in slices if item["interval"][0] is not None]  # some hold a single class: no AUC
    assert {"north", "south", "missing"} <= {item["name"].removeprefix("site=") for item in judged}
    for item in judged:
        assert item["difference"]["value"] == 0
        assert item["rest"]["lo"] <= item["rest"]["value"] <= item["rest"]["hi"]
        assert 0 < item["p_adjusted"] <= 1


def odd_scores(problem: str, how: str, n: int) -> np.ndarray:
    if problem == "multiclass":
        even = np.full((n, 3), 1 / 3)
        found = {"nan": np.full((n, 3), np.nan), "one nan": np.vstack([[np.nan] * 3, even[1:]]), "constant": even}
        return np.asarray(found[how])
    level = np.full(n, 0.5)
    return np.asarray({"nan": np.full(n, np.nan), "one nan": np.r_[np.nan, level[1:]], "constant": level}[how])


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("how", ["nan", "one nan", "constant"])
def test_scores_that_say_nothing_do_not_stop_the_report(problem: str, how: str, tmp_path: Path) -> None:
    made = task(problem, tmp_path)
    report = written(build_report(made, scores(made, odd_scores(problem, how, 400))))
    primary = made.rule["primary"]
    value = report["metrics"]["candidate"][primary]
    assert (value is None) == (how != "constant")
    assert (report["intervals"]["candidate"][primary][0] is None) == (how != "constant")
    assert report["metrics"]["baseline"][primary] is not None


@pytest.mark.parametrize("problem", PROBLEMS)
@settings(max_examples=8)
@given(n=st.integers(1, 30), seed=st.integers(0, 99), constant=st.booleans())
def test_next_to_no_rows_make_a_report_too(problem: str, n: int, seed: int, constant: bool) -> None:
    """Few rows, of one class or with equal labels."""
    rows = table(problem, n, seed)
    if constant:
        rows = rows.set_column(4, "label", pa.array([rows.column("label")[0].as_py()] * n))
    with tempfile.TemporaryDirectory() as folder:
        made = task(problem, Path(folder), holdout=rows)
        report = written(build_report(made, scores(made)))
    assert report["n"] == n
    assert report["slices"] == report["folds"] == []


def test_an_equal_candidate_has_no_advantage_at_all(tmp_path: Path) -> None:
    """The champion's rule cannot promote a copy of the champion: the interval of its advantage is [0, 0]."""
    for problem in PROBLEMS:
        made = task(problem, tmp_path)
        report = build_report(made, scores(made))
        paired = report["paired"]["champion"][made.rule["primary"]]
        assert (paired["lo"], paired["hi"]) == (0, 0), problem


def test_the_change_of_predictions_is_the_share_of_rows_that_are_decided_otherwise(tmp_path: Path) -> None:
    made = task("binary", tmp_path)
    old = scores(made).champion
    assert old is not None
    asked = np.flatnonzero(made.comparable)
    turned = old.copy()
    turned[asked[:30]] = 1 - turned[asked[:30]]
    found = scores(made, candidate=turned)
    decided = [
        found.kind.decisions(s[asked], found.thresholds[n]) for s, n in ((turned, "candidate"), (old, "champion"))
    ]
    share = float(np.mean(decided[0] != decided[1]))
    assert measure_change(made, found) == pytest.approx(share)
    assert 0 < share <= 30 / len(asked) + 1e-9


def test_of_numbers_it_is_the_mean_difference_in_standard_deviations_of_the_label(tmp_path: Path) -> None:
    made = task("regression", tmp_path)
    old = scores(made).champion
    assert old is not None
    found = scores(made, candidate=old + 0.5 * float(np.std(scores(made).label)))
    assert measure_change(made, found) == pytest.approx(0.5)
