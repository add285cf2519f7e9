"""Performance on late truth: of classes as scikit-learn measures it, from captured answers to the drop."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score

from tests.fakes import NOON, MemoryObjects
from tests.unit.monitoring.captured import direction, json_lines, line
from trimtab.monitoring.capture import decode_line
from trimtab.monitoring.quality import measure_window
from trimtab.monitoring.records import LABEL, SCORE, SCORES, to_table
from trimtab.monitoring.reference import Reference
from trimtab.monitoring.tables import read_records, write_table
from trimtab.spec import Spec, parse_spec

ROWS, CLASSES = 500, ("high", "low", "middle")
MODEL = """
name: bands
problem: multiclass
data:
  id: row
  label: band
  columns:
    row: {type: integer}
    x: {type: number}
    band: {type: string}
training: {entry_point: train.py}
monitoring: {min_rows: 100}
"""


@pytest.fixture
def spec() -> Spec:
    return parse_spec(MODEL)


def answers(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, 3), and truth that follows them."""
    random = np.random.default_rng(seed)
    scores = random.dirichlet([1, 1, 1], ROWS)
    return scores, np.array([random.choice(CLASSES, p=row) for row in scores])


def captured(spec: Spec, scores: np.ndarray) -> pa.Table:
    """What stands in a window after such answers were captured."""
    said = [
        {"id": i, "label": CLASSES[int(row.argmax())], "scores": dict(zip(CLASSES, map(float, row), strict=True))}
        for i, row in enumerate(scores)
    ]
    request = direction("INPUT", json_lines({"row": i, "x": 0.5} for i in range(len(scores))))
    answer = direction("OUTPUT", json_lines(each | {"version": 1} for each in said))
    return to_table([decode_line(line("e1", NOON, request, answer), spec.data)], spec.data)


def with_truth(table: pa.Table, truth: Any) -> pa.Table:
    return table.append_column(LABEL, pa.array(truth, pa.string()))


def test_probabilities_of_classes_survive_the_window_s_file(spec: Spec) -> None:
    scores, _ = answers()
    table, objects = captured(spec, scores), MemoryObjects()
    write_table(objects, "s3://captures/w.parquet", table.filter(pa.array([i % 2 == 0 for i in range(ROWS)])))
    found = read_records(objects, "s3://captures/w.parquet").column(SCORES).to_pylist()
    assert [dict(each)["low"] for each in found] == scores[::2, 1].tolist()


def test_classes_are_measured_as_scikit_learn_measures_them(spec: Spec) -> None:
    scores, truth = answers()
    records = with_truth(captured(spec, scores), truth)
    found = measure_window("w", records, 1, Reference({"auc_macro": 0.9}), spec)
    called = np.array(CLASSES)[scores.argmax(axis=1)]
    assert found.metrics == {
        "accuracy": pytest.approx(accuracy_score(truth, called)),
        "balanced_accuracy": pytest.approx(found.metrics["balanced_accuracy"]),
        "macro_f1": pytest.approx(f1_score(truth, called, average="macro")),
        "log_loss": pytest.approx(log_loss(truth, scores, labels=list(CLASSES))),
        "auc_macro": pytest.approx(roc_auc_score(truth, scores, multi_class="ovr", labels=list(CLASSES))),
    }
    assert found.drop == pytest.approx(0.9 - found.metrics["auc_macro"])
    assert (found.n, found.positives, found.judged) == (ROWS, None, True)
    json.dumps(found.to_json(), allow_nan=False)


def test_a_class_that_the_model_never_knew_counts_against_it(spec: Spec) -> None:
    scores, truth = answers()
    truth[:50] = "new"
    found = measure_window("w", with_truth(captured(spec, scores), truth), 1, Reference(), spec)
    called = np.array(CLASSES)[scores.argmax(axis=1)]
    assert found.metrics["accuracy"] == pytest.approx(accuracy_score(truth, called))
    assert found.metrics["log_loss"] is not None


def without_classes(table: pa.Table, rows: int) -> pa.Table:
    """The first rows' answers name no class."""
    place = table.column_names.index(SCORES)
    lost = [*[None] * rows, *table.column(SCORES).to_pylist()[rows:]]
    return table.set_column(place, SCORES, pa.array(lost, table.schema.field(SCORES).type))


def test_one_answer_without_classes_is_left_out(spec: Spec) -> None:
    scores, truth = answers()
    table = without_classes(with_truth(captured(spec, scores), truth), 1)
    found = measure_window("w", table, 1, Reference({"auc_macro": 0.9}), spec)
    assert (found.judged, found.n, found.unusable) == (True, ROWS, 1)


@pytest.mark.parametrize("broken", ["an older window", "a tenth without classes", "too few rows"])
def test_what_cannot_be_measured_is_not_judged(spec: Spec, broken: str) -> None:
    scores, truth = answers()
    table = with_truth(captured(spec, scores), truth)
    if broken == "an older window":
        table = table.drop_columns([SCORES])
    elif broken == "too few rows":
        table = table.slice(0, 99)
    else:
        table = without_classes(table, ROWS // 10)
    found = measure_window("w", table, 1, Reference({"auc_macro": 0.9}), spec)
    assert (found.judged, found.reading) == (False, None)


def test_an_answer_of_one_number_has_no_classes(spec: Spec) -> None:
    request = direction("INPUT", json_lines([{"row": 1, "x": 0.5}]))
    answer = direction("OUTPUT", json_lines([{"id": 1, "score": 0.25}]))
    table = to_table([decode_line(line("e1", NOON, request, answer), spec.data)], spec.data)
    assert (table.column(SCORE).to_pylist(), table.column(SCORES).to_pylist()) == ([0.25], [None])
