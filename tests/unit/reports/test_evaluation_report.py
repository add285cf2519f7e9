"""The page on a candidate, for every kind of problem and every outcome."""

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.evaluation.test_gates import RULES, part, report
from trimtab.evaluation.audit import audit
from trimtab.evaluation.gates import judge
from trimtab.evaluation.holdout import Rows
from trimtab.reports.evaluation_report import evaluation_html
from trimtab.reports.figures import PAGE_BYTES
from trimtab.spec import parse_spec

SPEC = """\
name: tiny
problem: {problem}
data:
  id: row
  label: y
  columns: {{row: {{type: integer}}, x: {{type: number}}, sex: {{type: string, role: protected}}, y: {{type: {type}}}}}
training: {{entry_point: train.py}}
evaluation: {{gates: {{bias: {{favourable: {favourable}, favourable_above: 0.5}}}}}}
"""
KINDS = {"binary": ("integer", 1), "multiclass": ("string", "high"), "regression": ("number", 1)}


def audited(problem: str, n: int = 1_500) -> dict[str, Any]:
    """What the job would add to a report, for made-up scores."""
    generator = np.random.default_rng(0)
    truth = generator.random(n)
    labels: dict[str, Any] = {
        "binary": (generator.random(n) < truth).astype(int),
        "multiclass": np.where(generator.random(n) < truth, "high", "low"),
        "regression": truth + generator.normal(0, 0.1, n),
    }
    kind, favourable = KINDS[problem]
    spec = parse_spec(SPEC.format(problem=problem, type=kind, favourable=favourable)).model_dump(mode="json")
    rows = Rows(pa.table({"y": labels[problem], "sex": np.where(generator.random(n) < 0.5, "f", "m")}), "y", None)
    scores = np.column_stack([truth, 1 - truth]) if problem == "multiclass" else truth
    return audit(spec, rows, scores, classes=["high", "low"])


def page(found: dict[str, Any], protected: tuple[str, ...] = ()) -> str:
    judgement = judge(found, RULES, "s3://e", protected)
    return evaluation_html("tiny", "auc", found, judgement).decode()


@pytest.mark.parametrize("problem", KINDS)
def test_each_kind_of_problem_has_its_charts_and_a_table_under_each(problem: str) -> None:
    text = page(report(**audited(problem), run="run-1", bootstrap=None, importance={"x": 0.2, "z": -0.1}))
    assert all(words in text for words in ("Calibration", "Groups of people", "What moves the model", "Slices"))
    for match in re.finditer("</svg>", text):
        assert re.match(r"\s*(<details><summary>[^<]+</summary>)?<div class=\"wide\"><table>", text[match.end() :])
    assert text.count("<svg") >= 4 + (problem == "binary")
    assert ("ROC curve" in text, "Residuals" in text) == (problem == "binary", problem == "regression")


@pytest.mark.parametrize(
    ("changes", "headline"),
    [({}, "Passed"), ({"n": 3}, "Not judged"), ({"size_bytes": 10**10}, "Refused: the champion stays")],
)
def test_the_headline_is_the_outcome_and_says_why(changes: dict[str, Any], headline: str) -> None:
    found = report(run="run-1", **changes)
    text = page(found)
    assert f"<h1>{headline}" in text
    for gate in judge(found, RULES, "s3://e").gates:
        assert gate.name in text


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ("training rows that a second fit did not learn from", "the best by F2 on 450 training rows that a second fit"),
        (None, "0.31, as model.yaml says"),
    ],
)
def test_the_page_says_from_where_on_a_model_says_yes_and_how_that_was_chosen(chosen: str | None, said: str) -> None:
    found = audited("binary")
    found["threshold"] = {"value": 0.31, "beta": 2.0, "rows": 450, "chosen_on": chosen}
    assert said in page(found)
    assert "Threshold" not in page(audited("binary") | {"threshold": None})


def test_nothing_on_the_page_comes_from_elsewhere_and_nothing_is_markup() -> None:
    evil = "<img src=x onerror=alert(1)>"
    text = page(report(run=evil, slices=[part(evil)]) | audited("binary"))
    assert evil not in text
    assert not re.search(r"""(src|href)\s*=["']|url\(|@import|https?://|<script""", text)


def test_a_page_with_very_many_slices_stays_small() -> None:
    found = report(run="run-1", slices=[part(f"carrier={number}") for number in range(5_000)])
    text = page(found)
    assert len(text) < PAGE_BYTES
    assert "more are in evaluation.json" in text


def estimates(*names: str) -> dict[str, dict[str, float]]:
    return {name: {"value": 0.3 - n / 10, "lo": 0.2 - n / 10, "hi": 0.4 - n / 10} for n, name in enumerate(names)}


def along(feature: str, grid: list[Any]) -> dict[str, Any]:
    curve = {"mean": [0.2, 0.4], "lo": [0.1, 0], "hi": [0.3, 1]}
    return {"feature": feature, "grid": grid, "rows": 60, "curves": {"score": curve}}


EXPLAIN = {
    "importance": {"metric": "auc", "rows": 1_000, "confidence": 0.95, "features": estimates("hour", "<b>site")},
    "shap": {"rows": 60, "base": 0.31, "mean_absolute": estimates("hour", "<b>site")},
    "dependence": [along("hour", [1.5, 9]), along("<b>site", ["<i>", True])],
}


def test_what_moves_the_model_is_drawn_with_its_intervals_and_written_below() -> None:
    text = page(report(run="run-1", bootstrap=None, importance={"hour": 0.3, "<b>site": 0.2}, explain=EXPLAIN))
    shown = text.partition("What moves the model")[2]
    assert shown.count("<svg") == shown.count("</table>") == 4
    for words in ("what auc loses on 1,000 rows", "0.2", "0.4", "Answers along hour", "Answers along &lt;b&gt;site"):
        assert words.lower() in shown.lower(), words
    assert "<b>" not in shown
    assert "<i>" not in shown


def test_a_report_that_is_not_explained_has_no_such_part() -> None:
    assert "What moves the model" not in page(report(run="run-1", bootstrap=None, importance=None, explain=None))
