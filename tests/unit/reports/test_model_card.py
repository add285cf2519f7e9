"""The model card: what SageMaker takes for one, and what people read."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import jsonschema
import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.fixtures import tiny
from trimtab.contracts import Gate
from trimtab.reports.model_card import Facts, card_html, card_json
from trimtab.spec import CardSpec

RECORD: dict[str, Any] = {
    "run": "trimtab-test-tiny-20260101120000-22222222",
    "trained_at": "2026-01-01T12:00:00+00:00",
    "dataset": {
        "digest": "d" * 64,
        "manifest": "s3://a/tiny/datasets/d/manifest.json",
        "rows_train": 900,
        "rows_holdout": 300,
    },
    "code": {"uri": "s3://assets/code.tar.gz", "version": "v1", "sha256": "c" * 64},
    "image": {"uri": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sk:1", "digest": None},
    "artifact": {"uri": "s3://a/tiny/runs/r/output/model.tar.gz", "sha256": "a" * 64},
    "evaluation": {"uri": "s3://a/tiny/runs/r/evaluation/evaluation.json"},
    "spec_sha256": "e" * 64,
    "policy_sha256": "f" * 64,
    "seed": 7,
    "hyperparameters": {"max_depth": 6, "criterion": "gini"},
    "jobs": {"training": {"arn": "arn:aws:sagemaker:us-east-1:1:training-job/r"}, "evaluation": {"arn": "arn:eval"}},
}
REPORT: dict[str, Any] = {
    "n": 300,
    "metrics": {"candidate": {"auc": 0.81, "mape": None}, "baseline": {"auc": 0.7}, "champion": None},
    "intervals": {"candidate": {"auc": [0.79, 0.83]}},
    "slices": [{"name": "site=north", "n": 100, "metrics": {"auc": 0.8}, "interval": [0.75, 0.85]}],
    "bias": {
        "site": {
            "problem": None,
            "groups": [{"group": "south", "n": 100, "judged": True, "selection_rate": {"value": 0.25, "n": 100}}],
            "overall": {"demographic_parity_ratio": 0.72, "equal_opportunity_difference": None},
        },
        "age": {"problem": "fewer than two groups have 100 rows", "groups": [], "overall": {}},
    },
}
GATES = (
    Gate(name="auc min", outcome="pass", value=0.81, limit=0.6, n=300, message="auc 0.8100, must be at least 0.6"),
)


def facts(**card: Any) -> Facts:
    spec = tiny.SPEC.model_copy(
        update={"card": CardSpec(purpose="Warns of pumps.", contacts=("ada@example.org",), **card)}
    )
    return Facts(spec, RECORD, REPORT, GATES)


@cache
def schema_of_cards() -> dict[str, Any]:
    """CloudFormation's schema of a card's content, which says the same in Pascal case."""
    found = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", "AWS::SageMaker::ModelCard").schema
    return {"definitions": found["definitions"], "$ref": "#/definitions/Content"}


def in_pascal_case(value: Any, *, keep: bool = False) -> Any:
    """``value`` with its members named as CloudFormation names them; the names in free maps are the author's."""
    if isinstance(value, list):
        return [in_pascal_case(each) for each in value]
    if not isinstance(value, dict):
        return value
    free = ("custom_details", "metadata")
    return {
        key if keep else "".join(word.capitalize() for word in key.split("_")): in_pascal_case(each, keep=key in free)
        for key, each in value.items()
    }


def problems(card: bytes) -> list[str]:
    checker = jsonschema.Draft7Validator(schema_of_cards())
    return [error.message for error in checker.iter_errors(in_pascal_case(json.loads(card)))]


def test_the_card_keeps_sagemakers_schema() -> None:
    assert problems(card_json(facts(limits=("not for safety shutdown",), intended_uses=("maintenance",)))) == []
    assert problems(b'{"model_overview": {"model_colour": "red"}}'), "the schema refuses what it does not know"


def test_long_texts_and_many_slices_keep_the_schema_too() -> None:
    slices = [{"name": "x" * 300, "n": 100, "metrics": {"auc": 0.5}, "interval": None}] * 500
    made = replace(facts(limits=tuple("y" * 900 for _ in range(9))), report=REPORT | {"slices": slices})
    card = card_json(made)
    assert problems(card) == []
    assert len(card) < 100_000


def test_the_card_tells_metrics_with_intervals_slices_bias_and_gates() -> None:
    (evaluation,) = json.loads(card_json(facts()))["evaluation_details"]
    groups = {group["name"]: group["metric_data"] for group in evaluation["metric_groups"]}
    assert set(groups) == {"Candidate on the hold-out", "Baseline", "Slices", "Bias", "Gates"}
    assert groups["Candidate on the hold-out"] == [
        {"name": "auc", "type": "number", "value": 0.81, "notes": "[0.79, 0.83]"}
    ]
    assert groups["Slices"][0]["notes"] == "auc on 100 rows; [0.75, 0.85]"
    assert [metric["value"] for metric in groups["Bias"]] == [0.72, "not judged"]


def test_the_page_shows_the_same_and_escapes_what_people_wrote() -> None:
    page = card_html(facts(limits=("<script>alert(1)</script>",), risk="High")).decode()
    for text in ("Warns of pumps.", "ada@example.org", "Risk: High", "[0.79, 0.83]", "site=north", "south", "d" * 64):
        assert text in page, text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("missing", ["slices", "bias", "intervals"])
def test_a_report_without_a_part_makes_a_card_without_it(missing: str) -> None:
    made = replace(facts(), report={key: value for key, value in REPORT.items() if key != missing})
    assert problems(card_json(made)) == []
    assert b"<h1>" in card_html(made)
