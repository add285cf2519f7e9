"""Reading templates, their references, and the order of deployment."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.cloudformation.errors import ValidationError
from localcloud.cloudformation.references import Reference, references
from localcloud.cloudformation.templates import deployment_order, parse, validate


def test_yaml_has_short_forms_and_its_dates_stay_text() -> None:
    template = parse(
        """
AWSTemplateFormatVersion: 2010-09-09
Resources:
  Note:
    Type: AWS::SSM::Parameter
    Condition: Wanted
    Properties:
      Value: !Sub '${AWS::Region} ${Queue.Arn}'
      Name: !Join ['-', [!Ref Stage, !GetAtt Queue.Arn, !Select [0, !Split [',', 'a,b']]]]
      Other: !If [Wanted, !Ref 'AWS::NoValue', on]
"""
    )
    properties = template.resources["Note"]["Properties"]
    assert template.data["AWSTemplateFormatVersion"] == "2010-09-09"
    assert properties["Value"] == {"Fn::Sub": "${AWS::Region} ${Queue.Arn}"}
    chosen = {"Fn::Select": [0, {"Fn::Split": [",", "a,b"]}]}
    assert properties["Name"] == {"Fn::Join": ["-", [{"Ref": "Stage"}, {"Fn::GetAtt": ["Queue", "Arn"]}, chosen]]}
    assert properties["Other"]["Fn::If"][:2] == ["Wanted", {"Ref": "AWS::NoValue"}]


@pytest.mark.parametrize("text", ["[1, 2]", "a: b: c", "just text"])
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="Template format error"):
        parse(text)


QUEUE = {"Type": "AWS::SQS::Queue"}


@pytest.mark.parametrize("section", ["Hooks", "Resource"])
def test_a_section_that_is_not_done_is_refused(section: str) -> None:
    with pytest.raises(ValidationError, match=section):
        validate(parse(json.dumps({section: {}, "Resources": {"Queue": QUEUE}})))


@pytest.mark.parametrize("transform", ["AWS::Serverless-2016-10-31", ["AWS::LanguageExtensions", "Mine"]])
def test_a_macro_is_refused(transform: Any) -> None:
    with pytest.raises(ValidationError, match="No transform named"):
        validate(parse(json.dumps({"Transform": transform, "Resources": {"Queue": QUEUE}})))


@pytest.mark.parametrize("function", ["Fn::Cidr", "Fn::Transform", "Fn::ForEach::Loop", "Fn::Length"])
def test_a_function_that_is_not_done_is_refused_before_anything_is_made(function: str) -> None:
    queue = QUEUE | {"Properties": {"DelaySeconds": {function: [1]}}}
    with pytest.raises(ValidationError, match=f"unsupported function: {function}"):
        validate(parse(json.dumps({"Resources": {"Queue": queue}})))


def test_functions_of_the_language_extensions_need_their_transform() -> None:
    queue = QUEUE | {"Properties": {"DelaySeconds": {"Fn::Length": [1]}}}
    validate(parse(json.dumps({"Transform": "AWS::LanguageExtensions", "Resources": {"Queue": queue}})))


def test_a_nested_stack_is_refused() -> None:
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://example.com"}}
    with pytest.raises(ValidationError, match=r"Unrecognized resource types: \[AWS::CloudFormation::Stack\]"):
        validate(parse(json.dumps({"Resources": {"Nested": nested}})))


def test_references_are_found_wherever_they_are() -> None:
    node: Any = {
        "A": [{"Ref": "One"}, {"Fn::GetAtt": ["Two", "Arn"]}, {"Fn::GetAtt": "Three.Arn"}],
        "B": {"Fn::Sub": ["${Four} ${Five.Arn} ${!Not} ${Given}", {"Given": {"Ref": "Six"}}]},
        "C": {"Fn::If": ["Condition", {"Fn::Join": ["", [{"Ref": "Seven"}]]}, "x"]},
    }
    found = set(references(node))
    assert found == {
        Reference("One"),
        Reference("Two", "Arn"),
        Reference("Three", "Arn"),
        Reference("Four"),
        Reference("Five", "Arn"),
        Reference("Six"),
        Reference("Seven"),
    }


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, set[str]]:
    """Resources that refer only to those before them, in any order of writing."""
    names = [f"R{number}" for number in range(draw(st.integers(1, 12)))]
    needs = {
        name: draw(st.sets(st.sampled_from(names[:index]))) if index else set() for index, name in enumerate(names)
    }
    return {name: needs[name] for name in draw(st.permutations(names))}


@given(graphs())
def test_everything_comes_after_what_it_needs(dependencies: dict[str, set[str]]) -> None:
    order = deployment_order(dependencies)
    assert sorted(order) == sorted(dependencies)
    assert all(order.index(need) < order.index(name) for name, needs in dependencies.items() for need in needs)


def test_a_circle_is_named() -> None:
    with pytest.raises(ValidationError, match=r"Circular dependency between resources: \[A, B\]"):
        deployment_order({"A": {"B"}, "B": {"A"}, "C": set()})
