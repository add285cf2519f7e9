"""A trial of a search: what it learns from, what it is measured on, and what it leaves."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from trimtab.authoring.trial import is_trial, objective_of, report_objective, split_tail, worth

ROWS = 10


def spec(problem: str = "binary", objective: str | None = None, primary: str = "auc") -> dict[str, Any]:
    return {
        "problem": problem,
        "training": {"tuning": {"objective": objective}},
        "evaluation": {"primary": primary, "threshold": {"beta": 1.0}, "quantile": 0.5},
    }


class Told:
    """A model that says what it was told to say."""

    def __init__(self, scores: Any, classes: tuple[Any, ...] = (0, 1)) -> None:
        self._scores, self.classes_ = np.asarray(scores, dtype=float), classes

    def predict_proba(self, _features: pd.DataFrame) -> np.ndarray[Any, Any]:
        return self._scores if self._scores.ndim == 2 else np.column_stack([1 - self._scores, self._scores])

    def predict(self, _features: pd.DataFrame) -> np.ndarray[Any, Any]:
        return self._scores


def test_the_tail_is_the_last_part_in_time_whatever_the_order_of_the_rows() -> None:
    table = pd.DataFrame({"at": pd.date_range("2026-01-01", periods=ROWS), "x": range(ROWS)})
    shuffled = table.sample(frac=1, random_state=1)
    head, tail = split_tail(shuffled, "at", 0.2)
    assert (list(head["x"]), list(tail["x"])) == (list(range(8)), [8, 9])


def test_without_times_the_order_of_the_rows_counts() -> None:
    head, tail = split_tail(pd.DataFrame({"x": range(ROWS)}), None, 0.3)
    assert (list(head["x"]), list(tail["x"])) == (list(range(7)), [7, 8, 9])


def test_too_few_rows_are_said_to_be_too_few() -> None:
    with pytest.raises(ValueError, match="1 training rows are too few"):
        split_tail(pd.DataFrame({"x": [1]}), None, 0.2)


def test_the_objective_is_the_spec_s_primary_metric_unless_another_is_named() -> None:
    assert objective_of(spec()) == "auc"
    assert objective_of(spec(objective="brier")) == "brier"


def test_each_kind_of_problem_is_measured_by_its_own_metric() -> None:
    rows = pd.DataFrame(index=range(4))
    assert worth(spec(), Told([0.1, 0.4, 0.35, 0.8]), rows, np.array([0, 0, 1, 1])) == 0.75
    numbers = spec("regression", primary="mae")
    assert worth(numbers, Told([1.0, 2.0, 3.0, 4.0]), rows, np.array([1.0, 2.0, 3.0, 6.0])) == 0.5
    classes = spec("multiclass", primary="accuracy")
    told = Told([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]], ("a", "b", "c"))
    assert worth(classes, told, rows, np.array(["a", "b", "c", "b"], dtype=object)) == 0.75


def test_rows_of_a_class_that_the_model_has_never_seen_do_not_count() -> None:
    told = Told([[1, 0], [0, 1], [1, 0]], ("a", "b"))
    label = np.array(["a", "b", "new"], dtype=object)
    assert worth(spec("multiclass", primary="accuracy"), told, pd.DataFrame(index=range(3)), label) == 1.0


def test_a_job_is_a_trial_when_its_environment_says_so() -> None:
    assert is_trial({"TRIMTAB_TRIAL": "1"})
    assert not is_trial({})


def test_what_is_reported_is_a_line_that_the_search_reads(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_objective(0.125) == 0.125
    assert capsys.readouterr().out == "validation_objective=0.125\n"
