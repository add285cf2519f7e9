"""What a target is sent for an event."""

import json
from typing import Any

import pytest

from localcloud.eventbridge.transform import InvalidInput, Occurrence, body_of, validate_input

EVENT = {
    "id": "e-1",
    "source": "trimtab",
    "time": "2024-05-01T10:00:00Z",
    "detail": {"model": "flights", "auc": 0.75, "gates": ["a", "b"], "who": 'say "hi"', "nested": {"x": 1}},
}
RULE = "arn:aws:events:us-east-1:123456789012:rule/promote"
OCCURRENCE = Occurrence(EVENT, RULE, "2024-05-01T10:00:01Z")


def transformed(template: str, **paths: str) -> str:
    target = {"Id": "1", "InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}
    validate_input(target)
    return body_of(target, OCCURRENCE)


def test_without_input_fields_the_whole_event_is_sent() -> None:
    assert json.loads(body_of({}, OCCURRENCE)) == EVENT


def test_a_constant_input_is_sent_as_it_is() -> None:
    assert body_of({"Input": '{"a": 1}'}, OCCURRENCE) == '{"a": 1}'


def test_an_input_path_sends_a_part_of_the_event() -> None:
    assert json.loads(body_of({"InputPath": "$.detail.nested"}, OCCURRENCE)) == {"x": 1}
    assert json.loads(body_of({"InputPath": "$.detail.gates[1]"}, OCCURRENCE)) == "b"
    assert json.loads(body_of({"InputPath": "$.detail['model']"}, OCCURRENCE)) == "flights"


def test_unquoted_placeholders_become_json_values() -> None:
    template = '{"m": <m>, "auc": <auc>, "gates": <g>, "nested": <n>}'
    body = transformed(template, m="$.detail.model", auc="$.detail.auc", g="$.detail.gates", n="$.detail.nested")
    assert json.loads(body) == {"m": "flights", "auc": 0.75, "gates": ["a", "b"], "nested": {"x": 1}}


def test_quoted_placeholders_become_text_inside_the_string() -> None:
    body = transformed(
        '{"m": "model <m> at <auc>", "w": "<w>"}', m="$.detail.model", auc="$.detail.auc", w="$.detail.who"
    )
    assert json.loads(body) == {"m": "model flights at 0.75", "w": 'say "hi"'}


def test_a_whole_string_template_keeps_its_quotes() -> None:
    assert transformed('"model <m>"', m="$.detail.model") == '"model flights"'


def test_a_variable_whose_path_finds_nothing_is_empty() -> None:
    assert json.loads(transformed('{"a": <a>, "b": "x<a>y"}', a="$.detail.absent")) == {"a": "", "b": "xy"}


def test_predefined_variables_describe_rule_and_event() -> None:
    template = (
        '{"rule": "<aws.events.rule-name>", "arn": <aws.events.rule-arn>, "at": <aws.events.event.ingestion-time>, '
        '"all": <aws.events.event.json>, "envelope": <aws.events.event>}'
    )
    body = json.loads(transformed(template))
    assert (body["rule"], body["arn"], body["at"]) == ("promote", RULE, "2024-05-01T10:00:01Z")
    assert body["all"] == EVENT
    assert "detail" not in body["envelope"]


@pytest.mark.parametrize(
    "target",
    [
        {"Input": "{}", "InputPath": "$.detail"},
        {"Input": "{not json"},
        {"InputPath": "$..model"},
        {"InputTransformer": {"InputPathsMap": {"aws.x": "$.id"}, "InputTemplate": "<aws.x>"}},
        {"InputTransformer": {"InputPathsMap": {"a": "id"}, "InputTemplate": "<a>"}},
        {"InputTransformer": {"InputPathsMap": {}, "InputTemplate": "<a>"}},
        {"InputTransformer": {"InputPathsMap": {"a": "$.id"}}},
    ],
)
def test_malformed_input_fields_are_refused(target: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        validate_input({"Id": "1", **target})
