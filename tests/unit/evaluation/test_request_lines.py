"""Requests written by columns are the very text that rows give; answers are read where they lie."""

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from trimtab.errors import DataError
from trimtab.evaluation.request_lines import lines, plain
from trimtab.evaluation.scoring import Answers


def test_lines_are_what_json_makes_of_each_row() -> None:
    moment = datetime(2026, 1, 1, 1, 2, 3, 4)
    table = pa.table(
        {
            'a%s"': pa.array([1.5, None, float("nan"), float("inf"), 1e-300]),
            "narrow": pa.array([0.1, None, 2, 3, 4], pa.float32()),
            "gaps": pa.array([1, None, 3, 4, 2**62]),
            "whole": [1, 2, 3, 4, -5],
            "text": pa.array(["x", None, "ü\u2028\n", "", "x"]),
            "at": pa.array([moment, None, moment, None, moment]),
            "flag": pa.array([True, None, False, True, True]),
        }
    )
    rows = [{name: plain(value) for name, value in row.items()} for row in table.to_pylist()]
    assert lines(table) == [json.dumps(row) + "\n" for row in rows]
    assert lines(table.slice(0, 0)) == []


@pytest.mark.parametrize("end", ["", "\n"])
def test_answers_are_read_from_any_place(end: str, tmp_path: Path) -> None:
    path = tmp_path / "answers"
    path.write_text("\n".join(f'{{"score": {place}}}' for place in range(5)) + end)
    answers = Answers(path, np.empty(0))
    assert len(answers) == 5
    assert [answers[place]["score"] for place in (0, 4, 2, -1)] == [0, 4, 2, 4]
    assert list(answers) == answers[:] == [{"score": place} for place in range(5)]


@pytest.mark.parametrize("said", ["nonsense", "[1]"])
def test_an_answer_that_is_no_object_is_named(said: str, tmp_path: Path) -> None:
    path = tmp_path / "answers"
    path.write_text(said + "\n")
    with pytest.raises(DataError, match="the model answered"):
        list(Answers(path, np.empty(0)))
