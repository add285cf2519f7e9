"""Functions, conditions, rules and parameters of templates."""

from typing import Any

import pytest

from localcloud.cloudformation.errors import ValidationError
from localcloud.cloudformation.intrinsics import Scope, check_rules, evaluate, evaluate_conditions, resolve_dynamic
from localcloud.cloudformation.parameters import Parameter, resolve_parameters


def scope() -> Scope:
    made = Scope(
        region="us-east-1",
        values={"Stage": "dev", "AWS::Region": "us-east-1", "Zones": ["a", "b"], "Size": "3"},
        mappings={"Map": {"us-east-1": {"dev": "small", "3": "three"}}},
        conditions={"Yes": True, "No": False},
    )
    made.physical_id = lambda name: f"id-of-{name}"
    made.attribute = lambda name, attribute: f"{name}/{attribute}"
    made.imported = lambda name: f"import-{name}"
    made.output_of = lambda given: f"{given['StackName']}.{given['OutputName']}"
    return made


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"Ref": "Stage"}, "dev"),
        ({"Ref": "Queue"}, "id-of-Queue"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "Queue/Arn"),
        ({"Fn::GetAtt": "Nested.Outputs.Url"}, "Nested/Outputs.Url"),
        ({"Fn::GetAtt": ["Queue", {"Ref": "Stage"}]}, "Queue/dev"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}, 3, True]]}, "a-dev-3-true"),
        ({"Fn::Join": [",", {"Ref": "Zones"}]}, "a,b"),
        ({"Fn::Split": ["-", "a-b"]}, ["a", "b"]),
        ({"Fn::Select": ["1", {"Ref": "Zones"}]}, "b"),
        ({"Fn::Sub": "${Stage}/${Queue.Arn}/${!Literal}/${Queue}"}, "dev/Queue/Arn/${Literal}/id-of-Queue"),
        ({"Fn::Sub": ["${Own}-${Stage}", {"Own": {"Ref": "Size"}}]}, "3-dev"),
        ({"Fn::FindInMap": ["Map", {"Ref": "AWS::Region"}, {"Ref": "Stage"}]}, "small"),
        ({"Fn::FindInMap": ["Map", "us-east-1", 3]}, "three"),
        ({"Fn::FindInMap": ["Map", "x", "y", {"DefaultValue": "z"}]}, "z"),
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ({"Fn::If": ["No", 1, 2]}, 2),
        ({"Fn::ImportValue": {"Fn::Sub": "x-${Stage}"}}, "import-x-dev"),
        ({"Fn::GetStackOutput": {"StackName": {"Ref": "Stage"}, "OutputName": "O"}}, "dev.O"),
        ({"Fn::GetAZs": ""}, ["us-east-1a", "us-east-1b", "us-east-1c"]),
        ({"Fn::Base64": "abc"}, "YWJj"),
        ({"Fn::ToJsonString": {"a": {"Ref": "Stage"}}}, '{"a":"dev"}'),
        ({"Fn::Length": {"Ref": "Zones"}}, 2),
        ({"Fn::Sub": "{{resolve:ssm:/${Stage}/b}}"}, "{{resolve:ssm:/dev/b}}"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [1, {"Ref": "AWS::NoValue"}]}, {"b": [1]}),
        ({"a": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}}, {}),
        ({"StringEquals": {"aws:x": {"Ref": "Stage"}}}, {"StringEquals": {"aws:x": "dev"}}),
    ],
)
def test_functions(node: Any, expected: Any) -> None:
    assert evaluate(node, scope()) == expected


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"Fn::Select": [2, ["a"]]}, "nonexistent value at index 2"),
        ({"Fn::FindInMap": ["Map", "x", "y"]}, "Unable to get mapping for Map::x::y"),
        ({"Fn::If": ["Perhaps", 1, 2]}, "unresolved condition Perhaps"),
    ],
)
def test_what_a_function_cannot_give_is_an_error(node: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        evaluate(node, scope())


def test_dynamic_references_are_resolved_wherever_they_are() -> None:
    node = {"a": ["was {{resolve:ssm:/a/b:1}}", 3], "b": "{{resolve:secretsmanager:x:SecretString:key}}"}
    assert resolve_dynamic(node, lambda service, name: f"<{service} {name}>") == {
        "a": ["was <ssm /a/b:1>", 3],
        "b": "<secretsmanager x:SecretString:key>",
    }


def test_conditions_refer_to_each_other_in_any_order() -> None:
    definitions = {
        "Both": {"Fn::And": [{"Condition": "IsDev"}, {"Fn::Not": [{"Condition": "IsBig"}]}]},
        "IsDev": {"Fn::Equals": [{"Ref": "Stage"}, "dev"]},
        "IsBig": {"Fn::Equals": [{"Ref": "Size"}, 4]},
        "Either": {"Fn::Or": [{"Condition": "IsBig"}, {"Condition": "Both"}]},
    }
    assert evaluate_conditions(definitions, scope()) == {"Both": True, "IsDev": True, "IsBig": False, "Either": True}


def test_a_condition_that_nobody_defined_is_an_error() -> None:
    with pytest.raises(ValidationError, match="Unresolved condition dependency Absent"):
        evaluate_conditions({"One": {"Fn::Not": [{"Condition": "Absent"}]}}, scope())


def test_rules_hold_or_say_why_not() -> None:
    assertion = {
        "Assert": {"Fn::Not": [{"Fn::Contains": [["1", "2"], {"Ref": "Size"}]}]},
        "AssertDescription": "too old",
    }
    check_rules({"Bootstrap": {"Assertions": [assertion]}}, scope())
    failing = scope()
    failing.values["Size"] = "2"
    with pytest.raises(ValidationError, match="too old"):
        check_rules({"Bootstrap": {"Assertions": [assertion]}}, failing)
    never = {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    check_rules({"Bootstrap": {"RuleCondition": never, "Assertions": [assertion]}}, failing)


def resolved(definition: dict[str, Any], *given: dict[str, Any], previous: str | None = None) -> Parameter:
    before = {} if previous is None else {"P": Parameter(previous, previous)}
    return resolve_parameters({"P": definition}, list(given), before, lambda name: f"value of {name}")["P"]


def value(text: str) -> dict[str, Any]:
    return {"ParameterKey": "P", "ParameterValue": text}


def test_parameters_take_the_given_the_previous_or_the_default_value() -> None:
    text = {"Type": "String", "Default": "d"}
    assert resolved(text).resolved == "d"
    assert resolved(text, value("x")).resolved == "x"
    assert resolved(text, {"ParameterKey": "P", "UsePreviousValue": True}, previous="p").resolved == "p"


def test_lists_and_ssm_parameters_are_resolved() -> None:
    assert resolved({"Type": "CommaDelimitedList"}, value("a, b")).resolved == ["a", "b"]
    assert resolved({"Type": "CommaDelimitedList", "Default": ""}).resolved == []
    found = resolved({"Type": "AWS::SSM::Parameter::Value<String>"}, value("/n"))
    assert (found.given, found.resolved, found.from_ssm) == ("/n", "value of /n", True)


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ({"Type": "String", "AllowedValues": ["a", "b"]}, "c"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, "A"),
        ({"Type": "String", "MinLength": 2}, "a"),
        ({"Type": "String", "MaxLength": "2"}, "abc"),
        ({"Type": "Number"}, "x"),
        ({"Type": "Number", "MinValue": 3}, "2"),
    ],
)
def test_constraints_are_kept(definition: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match="P"):
        resolved(definition, value(text))


def test_a_type_of_parameter_that_is_not_done_is_refused() -> None:
    with pytest.raises(ValidationError, match="Unrecognized parameter type: AWS::EC2::VPC::Id"):
        resolved({"Type": "AWS::EC2::VPC::Id"}, value("vpc-1"))


def test_a_parameter_without_any_value_is_named() -> None:
    with pytest.raises(ValidationError, match=r"Parameters: \[P\] must have values"):
        resolved({"Type": "String"})
    with pytest.raises(ValidationError, match=r"Parameters: \[P\] must have values"):
        resolved({"Type": "String"}, {"ParameterKey": "P", "UsePreviousValue": True})
    with pytest.raises(ValidationError, match=r"Parameters: \[Q\] do not exist in the template"):
        resolved({"Type": "String", "Default": "d"}, {"ParameterKey": "Q", "ParameterValue": "x"})
