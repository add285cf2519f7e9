"""A comparison of two versions shows what differs, and nothing else."""

import copy
from dataclasses import replace
from typing import Any

from trimtab.reports.comparison import SECTIONS, Side, compare, same_holdout

RECORD: dict[str, Any] = {
    "dataset": {"digest": "d1", "rows_train": 900, "rows_holdout": 300},
    "code": {"sha256": "c1"},
    "hyperparameters": {"max_depth": 6, "min_samples_leaf": 20},
    "seed": 0,
    "image": {"uri": "image:1", "digest": None},
    "spec": {"training": {"window_days": 60}, "evaluation": {"primary": "auc"}},
}
REPORT: dict[str, Any] = {
    "metrics": {"candidate": {"auc": 0.8, "log_loss": 0.4}},
    "intervals": {"candidate": {"auc": [0.78, 0.82]}},
    "slices": [{"name": "site=north", "n": 100, "metrics": {"auc": 0.7}, "interval": [0.6, 0.8]}],
}
MANIFEST: dict[str, Any] = {
    "window_days": 60,
    "split": {"boundary": "2026-01-20"},
    "sources": [{"kind": "data", "sha256": "s1", "bucket": "drops", "key": "tiny/data/january.parquet"}],
}
FIRST = Side("tiny@1", RECORD, REPORT, MANIFEST, {"train.py": "1" * 64, "model.json": "2" * 64})


def changed(**parts: Any) -> Side:
    return replace(copy.deepcopy(FIRST), name="tiny@2", **parts)


def test_equal_versions_differ_in_nothing() -> None:
    assert compare(FIRST, changed()) == {name: [] for name in SECTIONS}


def test_a_parameter_that_was_changed_is_all_that_is_shown() -> None:
    found = compare(FIRST, changed(record=RECORD | {"hyperparameters": {"max_depth": 7, "min_samples_leaf": 20}}))
    assert [each.to_json() for each in found.pop("parameters")] == [{"what": "max_depth", "first": 6, "second": 7}]
    assert not any(found.values())


def test_a_metric_is_shown_with_both_intervals() -> None:
    report = {
        **REPORT,
        "metrics": {"candidate": {"auc": 0.81, "log_loss": 0.4}},
        "intervals": {"candidate": {"auc": [0.79, 0.83]}},
    }
    (difference,) = compare(FIRST, changed(report=report))["metrics"]
    assert difference.to_json() == {
        "what": "auc",
        "first": 0.8,
        "second": 0.81,
        "first_interval": [0.78, 0.82],
        "second_interval": [0.79, 0.83],
    }


def test_a_slice_that_one_version_lacks_is_shown() -> None:
    (difference,) = compare(FIRST, changed(report=REPORT | {"slices": []}))["slices"]
    assert (difference.what, difference.first, difference.second) == ("site=north auc", 0.7, None)


def test_new_files_and_another_cut_are_told_by_name() -> None:
    added = {"kind": "data", "sha256": "s2", "bucket": "drops", "key": "tiny/data/february.parquet"}
    manifest = MANIFEST | {"sources": [*MANIFEST["sources"], added], "split": {"boundary": "2026-02-20"}}
    second = changed(manifest=manifest, record=RECORD | {"dataset": RECORD["dataset"] | {"digest": "d2"}})
    found = [(each.what, each.second) for each in compare(FIRST, second)["data"]]
    assert found == [
        ("digest", "d2"),
        ("split.boundary", "2026-02-20"),
        ("source", "data s3://drops/tiny/data/february.parquet"),
    ]
    assert same_holdout(FIRST, changed())
    assert not same_holdout(FIRST, second)


def test_changed_code_is_told_file_by_file() -> None:
    second = changed(record=RECORD | {"code": {"sha256": "c2"}}, files={"train.py": "3" * 64, "model.json": "2" * 64})
    assert [each.what for each in compare(FIRST, second)["code"]] == ["sha256", "train.py"]
