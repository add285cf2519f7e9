"""A version whose requests would hold something else than it was trained on is found out."""

import json
from typing import Any

import pytest

from tests.unit.functions.scene import SPEC, tiny_spec
from trimtab.rollout.contract_change import contract_changes


def document(text: str = SPEC) -> Any:
    return json.loads(tiny_spec(text).canonical_json())


def test_the_same_contract_is_no_change_whatever_else_the_spec_says() -> None:
    other = SPEC.replace("bake_minutes: 10", "bake_minutes: 20").replace("min_rows: 50", "min_rows: 60")
    assert list(contract_changes(document(), document(other))) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("    kind: {type: string, domain: [a, b, c]}\n", "", "column kind is gone"),
        ("    y: {type", "    z: {type: number}\n    y: {type", "column z is new"),
        ("x: {type: number, range: [0, 1]}", "x: {type: integer, range: [0, 1]}", "column x: type was number and is"),
        ("range: [0, 1]", "range: [0, 2]", "column x: range was [0.0, 1.0] and is [0.0, 2.0]"),
        ("domain: [a, b, c]", "domain: [a, b]", "column kind: domain was ['a', 'b', 'c'] and is ['a', 'b']"),
        ("range: [0, 1]}", "range: [0, 1], nullable: true}", "column x: nullable was False and is True"),
        ("range: [0, 1]}", "range: [0, 1], unit: km}", "column x: unit was None and is km"),
    ],
)
def test_what_changes_the_meaning_of_a_value_is_named(before: str, after: str, said: str) -> None:
    assert before in SPEC
    (found,) = contract_changes(document(), document(SPEC.replace(before, after)))
    assert found.startswith(said)


def test_another_label_or_problem_is_a_change() -> None:
    then, now = document(), document()
    now["problem"], now["data"]["label"] = "regression", "x"
    found = list(contract_changes(then, now))
    assert found[:2] == ["problem was binary and is regression", "label was y and is x"]


def test_columns_that_the_model_never_sees_do_not_matter() -> None:
    text = SPEC.replace("    y: {type", "    note: {type: string, role: ignore}\n    y: {type")
    assert list(contract_changes(document(), document(text))) == []
