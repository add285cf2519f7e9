"""Templates from outside: parameters, conditions, exports, and what is refused."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .cloudformation_support import QUEUE, deploy, outputs_of, resources_of, settled, template, unique
from .conftest import LocalCloud

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown type": (
        {"Budget": {"Type": "AWS::Budgets::Budget"}},
        r"Template format error: Unrecognized resource types: \[AWS::Budgets::Budget\]",
    ),
    "an unknown property": (
        {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Colour": "red"}}},
        r"Properties validation failed for resource Queue .*Colour",
    ),
    "an unknown reference": (
        {"Note": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Nobody"}}}},
        r"Unresolved resource dependencies \[Nobody\]",
    ),
    "an unknown attribute": (
        {
            "Queue": QUEUE,
            "Note": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": {"Fn::GetAtt": ["Queue", "Colour"]}},
            },
        },
        r"resource Queue does not support attribute type Colour in Fn::GetAtt",
    ),
    "a circle": (
        {"One": QUEUE | {"DependsOn": "Two"}, "Two": QUEUE | {"DependsOn": "One"}},
        r"Circular dependency between resources: \[One, Two\]",
    ),
    "an update policy": ({"Queue": QUEUE | {"UpdatePolicy": {}}}, "UpdatePolicy"),
    "nothing": ({}, "At least one Resources member"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_carried_out_is_refused_before_anything_is_made(cloud: LocalCloud, what: str) -> None:
    resources, message = REFUSED[what]
    with pytest.raises(ClientError, match=message) as refused:
        deploy(cloud, unique(), template(resources))
    assert refused.value.response["Error"]["Code"] == "ValidationError"


def test_parameters_have_defaults_constraints_previous_values_and_come_from_ssm(cloud: LocalCloud) -> None:
    stack, name, ssm = unique(), f"/{unique('probe')}", cloud.client("ssm")
    ssm.put_parameter(Name=name, Type="String", Value="33")
    body = template(
        {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": {"Ref": "Seconds"}}}},
        Parameters={
            "Seconds": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": name},
            "Size": {"Type": "String", "Default": "small", "AllowedValues": ["small", "large"]},
        },
    )

    def visibility() -> str:
        url = resources_of(cloud, stack)["Queue"]
        got = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
        return str(got["Attributes"]["VisibilityTimeout"])

    with pytest.raises(ClientError, match="Size"):
        deploy(cloud, stack, body, Parameters=[{"ParameterKey": "Size", "ParameterValue": "huge"}])
    made = deploy(cloud, stack, body)
    assert visibility() == "33"
    shown = {one["ParameterKey"]: one for one in made["Parameters"]}
    assert (shown["Seconds"]["ParameterValue"], shown["Seconds"]["ResolvedValue"]) == (name, "33")
    ssm.put_parameter(Name=name, Type="String", Value="44", Overwrite=True)
    previous = [{"ParameterKey": "Seconds", "UsePreviousValue": True}]
    assert deploy(cloud, stack, body, "UPDATE", Parameters=previous)["StackStatus"] == "UPDATE_COMPLETE"
    assert visibility() == "44"


def test_exports_are_imported_and_cannot_be_taken_away_while_in_use(cloud: LocalCloud) -> None:
    producer, consumer, export = unique("producer"), unique("consumer"), unique("export")
    exporting = template(
        {"Queue": QUEUE},
        Outputs={"Out": {"Value": {"Fn::GetAtt": ["Queue", "QueueName"]}, "Export": {"Name": export}}},
    )

    def note(value: Any) -> str:
        return template({"Note": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}})

    produced = deploy(cloud, producer, exporting)
    deploy(cloud, consumer, note({"Fn::ImportValue": export}))
    name = resources_of(cloud, consumer)["Note"]
    value = cloud.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    assert value == outputs_of(produced)["Out"]

    cloudformation = cloud.client("cloudformation")
    cloudformation.delete_stack(StackName=producer)
    refused = settled(cloud, producer)
    assert refused["StackStatus"] == "DELETE_FAILED"
    assert f"Cannot delete export {export} as it is in use by {consumer}" in refused["StackStatusReason"]
    cloudformation.delete_stack(StackName=consumer)
    cloudformation.delete_stack(StackName=producer)
    assert settled(cloud, produced["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_an_output_of_another_stack_is_read_without_an_export(cloud: LocalCloud) -> None:
    producer, consumer = unique("producer"), unique("consumer")
    deploy(cloud, producer, template({"Queue": QUEUE}, Outputs={"Out": {"Value": "read me"}}))
    value = {"Fn::GetStackOutput": {"StackName": producer, "OutputName": "Out"}}
    note = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
    deploy(cloud, consumer, template({"Note": note}))
    name = resources_of(cloud, consumer)["Note"]
    assert cloud.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "read me"


def test_a_resource_comes_and_goes_with_its_condition(cloud: LocalCloud) -> None:
    stack = unique()
    body = template(
        {"Always": QUEUE, "Sometimes": QUEUE | {"Condition": "Wanted"}},
        Parameters={"Want": {"Type": "String"}},
        Conditions={"Wanted": {"Fn::Equals": [{"Ref": "Want"}, "yes"]}},
    )

    def want(answer: str, kind: str) -> set[str]:
        deploy(cloud, stack, body, kind, Parameters=[{"ParameterKey": "Want", "ParameterValue": answer}])
        return set(resources_of(cloud, stack))

    assert want("no", "CREATE") == {"Always"}
    assert want("yes", "UPDATE") == {"Always", "Sometimes"}
    assert want("no", "UPDATE") == {"Always"}
