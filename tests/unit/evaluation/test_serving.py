"""Parity by id, and what an artifact may trust."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.evaluation.test_report import scores, table, task
from trimtab.errors import DataError
from trimtab.evaluation.serving import by_id, check_trusted, measure_serving

N = 400


def stored(folder: Path, ids: np.ndarray, native: np.ndarray) -> None:
    np.save(folder / "native_scores.npy", native)
    np.save(folder / "native_ids.npy", ids.astype(str))


def test_scores_are_compared_by_id_whatever_the_order_of_the_rows(tmp_path: Path) -> None:
    made = task("regression", tmp_path, N, champion=False)
    found = scores(made)
    order = np.random.default_rng(5).permutation(N)
    stored(tmp_path, np.arange(N)[order], found.candidate[order])
    assert measure_serving(made, found)["parity"] | {"tolerance": 0} == {"rows": N, "max_difference": 0, "tolerance": 0}


def test_scores_of_other_rows_are_no_comparison(tmp_path: Path) -> None:
    made = task("regression", tmp_path, N, champion=False)
    found = scores(made)
    stored(tmp_path, np.arange(1, N + 1), found.candidate)
    assert measure_serving(made, found)["parity"]["rows"] == 0
    (tmp_path / "native_ids.npy").unlink()
    assert measure_serving(made, found)["parity"]["max_difference"] is None


def test_ids_that_are_texts_are_compared_as_texts(tmp_path: Path) -> None:
    rows = table("regression", N)
    rows = rows.set_column(0, "id", pa.array([f"row-{n:04}" for n in range(N)]))
    made = task("regression", tmp_path, N, champion=False, holdout=rows)
    found = scores(made)
    stored(tmp_path, np.array(rows.column("id").to_pylist())[::-1], found.candidate[::-1] + 0.5)
    assert measure_serving(made, found)["parity"]["max_difference"] == pytest.approx(0.5, rel=0.9)
    assert measure_serving(made, found)["parity"]["rows"] == N


def test_rows_of_one_id_keep_their_order() -> None:
    places = by_id(np.array(["b", "a", "b"]), np.array(["b", "b", "a"]))
    assert places is not None
    assert places.tolist() == [0, 2, 1]
    assert by_id(np.array(["a"]), np.array(["a", "a"])) is None


def test_an_artifact_trusts_no_type_that_model_yaml_does_not_name(tmp_path: Path) -> None:
    made = task("binary", tmp_path, N, champion=False)
    check_trusted(made)
    contract = json.loads((tmp_path / "contract.json").read_text())
    (tmp_path / "contract.json").write_text(json.dumps(contract | {"trusted_types": ["own.Thing"]}))
    with pytest.raises(DataError, match=r"own\.Thing"):
        check_trusted(made)
    training = made.spec["training"] | {"trusted_types": ["own.Thing"]}
    check_trusted(replace(made, spec=made.spec | {"training": training}))
