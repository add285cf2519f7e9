"""A limit that nothing can keep, a group that cannot be, a wrong name: told by line before anything runs."""

import pytest

from trimtab.errors import SpecError
from trimtab.spec import parse_spec

MODEL = """\
name: tiny
data:
  id: row
  label: y
  columns:
    row: {type: integer}
    load: {type: number, range: [0, .inf]}
    site: {type: string}
    shift: {type: string, domain: [day, night]}
    y: {type: integer}
training:
  entry_point: train.py
"""
BIAS = "evaluation: {gates: {bias: "


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("evaluation: {metrics: {auc: {min: .nan}}}", "evaluation.metrics.auc.min: Input should be a finite number"),
        ("evaluation: {metrics: {auc: {min: 2}}}", "auc lies between 0 and 1, the limit is 2"),
        ("evaluation: {metrics: {auc: {min: 0.8, max: 0.6}}}", "min (0.8) is above max (0.6): no value keeps both"),
        ("evaluation: {metrics: {brierr: {max: 1}}}", "did you mean 'brier'?"),
        ("evaluation: {champion: {margin: .inf}}", "evaluation.champion.margin: Input should be a finite number"),
        ("evaluation: {slices: [sit]}", "evaluation.slices.0: 'sit' is not under data.columns; did you mean 'site'?"),
        ("evaluation: {slices: [site, y]}", "evaluation.slices.1: 'y' is the label"),
        (BIAS + "{attributes: {y: {}}}}}", "'y' is the label, not an attribute of people"),
        (BIAS + "{attributes: {site: {bands: [1, 2]}}}}}", "bands are for numbers, and 'site' is none"),
        (
            BIAS + "{attributes: {shift: {reference: nigth}}}}}",
            "'nigth' is no group of the attribute: day, night; did you",
        ),
        (BIAS + "{attributes: {load: {bands: [5, 9], reference: 5 to 9}}}}}", "below 5, 5 to below 9, 9 and more; did"),
        (BIAS + "{attributes: {row: {reference: many}}}}}", "'many' is no value of a column of type integer"),
        (
            "tracking: {mlflow: {prd: 'https://mlflow.example.org'}}",
            "tracking.mlflow.prd: there is no stage 'prd': dev, staging, prod; did you mean 'prod'?",
        ),
        (BIAS + "{favourable: maybe}}}", "a binary label is 0 or 1, not 'maybe'"),
        (
            BIAS + "{attributes: {site: {}}, accepted_risks: [{attribute: sit, reason: known since the year 2020}]}}}",
            "accepted_risks.0.attribute: 'sit' is no protected attribute; did you mean 'site'?",
        ),
        ("features: {rules: [{columns: load, steps: [scael]}]}", "did you mean 'scale'?"),
        ("features: {rules: [{columns: load, steps: [{do: clip, hgih: 1}]}]}", "rules.0.steps.0.hgih'; did you mean"),
        ("datasets: {leakage: {known_columns: [laod]}}", "known_columns.0: 'laod' is not under data.columns; did you"),
        ("evaluation: {champion: {rule: superiour}}", "did you mean 'superior'?"),
    ],
)
def test_a_rule_that_cannot_judge_is_told_with_its_line(section: str, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(MODEL + section, "m.yaml")
    assert expected in str(caught.value)
    assert str(caught.value).startswith("m.yaml:13: ")


@pytest.mark.parametrize(
    ("tuning", "expected"),
    [
        ("{objective: auk, ranges: {depth: [1, 2]}}", "'auk' is no metric of a binary problem"),
        (
            "{ranges: {depth: {min: 3, max: 2}}}",
            "m.yaml:13: training.tuning.ranges.depth: min (3) must be below max (2)",
        ),
    ],
)
def test_a_search_that_cannot_be_is_told_once_and_in_the_authors_words(tuning: str, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(f"{MODEL}  tuning: {tuning}\n", "m.yaml")
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(SpecError, match="leave it out") as caught:
        parse_spec(MODEL + "tracking: {mlflow: 'https://me:hunter2@mlflow.example.org'}")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "attribute",
    [
        "shift: {reference: night}",
        "row: {reference: 2}",
        "load: {bands: [5], reference: below 5}",
        "site: {reference: x}",
    ],
)
def test_a_reference_that_can_occur_is_taken(attribute: str) -> None:
    parse_spec(f"{MODEL}{BIAS}{{attributes: {{{attribute}}}}}}}}}")


def test_a_range_may_be_open_at_one_end_and_must_be_in_order() -> None:
    assert parse_spec(MODEL).data.columns["load"].range == (0, float("inf"))
    with pytest.raises(SpecError, match="swap them"):
        parse_spec(MODEL.replace(".inf", ".nan"))
