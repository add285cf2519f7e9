"""CloudFormation: parameters, conditions, functions, exports and dynamic references of templates."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account
from .stacks import (
    QUEUE,
    change_set,
    delete,
    deploy,
    note,
    noted,
    outputs_of,
    queue_attribute,
    remove,
    resources_of,
    settled,
    template,
)

pytestmark = pytest.mark.cloudformation


def value(name: str, text: str) -> list[dict[str, Any]]:
    return [{"ParameterKey": name, "ParameterValue": text}]


def test_parameters_have_defaults_constraints_previous_values_and_come_from_ssm(account: Account) -> None:
    stack, name, ssm = account.unique("stack"), f"/{account.unique('probe')}", account.client("ssm")
    ssm.put_parameter(Name=name, Type="String", Value="33")
    account.later(ssm.delete_parameter, Name=name)
    body = template(
        {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": {"Ref": "Seconds"}}}},
        Parameters={
            "Seconds": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": name},
            "Size": {"Type": "String", "Default": "small", "AllowedValues": ["small", "large"]},
            "Secret": {"Type": "String", "NoEcho": True, "Default": "hidden"},
        },
    )

    def visibility() -> str:
        return queue_attribute(account, resources_of(account, stack)["Queue"], "VisibilityTimeout")

    with pytest.raises(ClientError, match="Size"):
        change_set(account, stack, body, "CREATE", Parameters=value("Size", "huge"))
    with pytest.raises(ClientError, match=r"Parameters: \[Nobody\] do not exist in the template"):
        change_set(account, stack, body, "CREATE", Parameters=value("Nobody", "x"))
    made = deploy(account, stack, body)
    assert visibility() == "33"
    shown = {one["ParameterKey"]: one for one in made["Parameters"]}
    assert (shown["Seconds"]["ParameterValue"], shown["Seconds"]["ResolvedValue"]) == (name, "33")
    assert shown["Secret"]["ParameterValue"] == "****"
    ssm.put_parameter(Name=name, Type="String", Value="44", Overwrite=True)
    previous = [{"ParameterKey": "Seconds", "UsePreviousValue": True}]
    assert deploy(account, stack, body, "UPDATE", Parameters=previous)["StackStatus"] == "UPDATE_COMPLETE"
    assert visibility() == "44"


def test_a_resource_comes_and_goes_with_its_condition(account: Account) -> None:
    stack = account.unique("stack")
    body = template(
        {"Always": QUEUE, "Sometimes": QUEUE | {"Condition": "Wanted"}},
        Parameters={"Want": {"Type": "String"}},
        Conditions={"Wanted": {"Fn::Equals": [{"Ref": "Want"}, "yes"]}},
    )

    def want(answer: str, kind: str) -> set[str]:
        deploy(account, stack, body, kind, Parameters=value("Want", answer))
        return set(resources_of(account, stack))

    assert want("no", "CREATE") == {"Always"}
    assert want("yes", "UPDATE") == {"Always", "Sometimes"}
    assert want("no", "UPDATE") == {"Always"}


def test_functions_give_what_they_give(account: Account) -> None:
    found: dict[str, Any] = {
        "Account": {"Ref": "AWS::AccountId"},
        "Region": {"Fn::Sub": "${AWS::Region}-${!Literal}"},
        "Own": {"Fn::Sub": ["${A}/${Queue.QueueName}", {"A": {"Fn::Join": ["-", ["a", "b"]]}}]},
        "Second": {"Fn::Select": [1, {"Fn::Split": [",", "x,y,z"]}]},
        "Mapped": {"Fn::FindInMap": ["Sizes", "dev", "Memory"]},
        "Chosen": {"Fn::If": ["IsBig", "big", "small"]},
        "Coded": {"Fn::Base64": "abc"},
    }
    made = deploy(
        account,
        account.unique("stack"),
        template(
            {"Queue": QUEUE},
            Mappings={"Sizes": {"dev": {"Memory": "128"}}},
            Conditions={"IsBig": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AWS::Partition"}, "aws"]}]}},
            Outputs={name: {"Value": one} for name, one in found.items()},
        ),
    )
    outputs = outputs_of(made)
    name = resources_of(account, made["StackId"])["Queue"].rpartition("/")[2]
    assert outputs == {
        "Account": account.number,
        "Region": f"{account.region}-${{Literal}}",
        "Own": f"a-b/{name}",
        "Second": "y",
        "Mapped": "128",
        "Chosen": "small",
        "Coded": "YWJj",
    }


def test_a_dynamic_reference_is_resolved_where_it_is_used(account: Account) -> None:
    stack, name, ssm = account.unique("stack"), f"/{account.unique('probe')}", account.client("ssm")
    ssm.put_parameter(Name=name, Type="String", Value="told")
    account.later(ssm.delete_parameter, Name=name)
    deploy(account, stack, template({"Note": note(f"was {{{{resolve:ssm:{name}:1}}}}")}))
    assert noted(account, stack) == "was told"


def exporting(export: str, text: str = "one") -> str:
    return template({"Queue": QUEUE}, Outputs={"Out": {"Value": text, "Export": {"Name": export}}})


def test_exports_are_imported_and_cannot_be_changed_or_taken_away_while_in_use(account: Account) -> None:
    producer, consumer = account.unique("producer"), account.unique("consumer")
    export, cloudformation = account.unique("export"), account.client("cloudformation")
    produced = deploy(account, producer, exporting(export))
    consumed = deploy(account, consumer, template({"Note": note({"Fn::ImportValue": export})}))
    assert noted(account, consumer) == "one"
    assert cloudformation.list_imports(ExportName=export)["Imports"] == [consumer]
    exports = [one for page in cloudformation.get_paginator("list_exports").paginate() for one in page["Exports"]]
    assert {one["Name"]: one["Value"] for one in exports}[export] == "one"

    cloudformation.delete_stack(StackName=producer)
    told = f"Cannot delete export {export} as it is in use by {consumer}"
    account.wait_until(lambda: any(told in reason for reason in reasons(account, producer)))
    assert settled(account, producer)["StackStatus"] != "DELETE_COMPLETE"
    assert deploy(account, producer, exporting(export, "two"), "UPDATE")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"

    second = account.unique("second")
    account.later(remove, account=account, stack=second)
    assert deploy(account, second, exporting(export))["StackStatus"] == "ROLLBACK_COMPLETE"  # one owner of an export
    assert delete(account, consumed["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert delete(account, produced["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def reasons(account: Account, stack: str) -> list[str]:
    events = account.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [one.get("ResourceStatusReason", "") for one in events]


def test_an_output_of_another_stack_is_read_without_an_export(account: Account) -> None:
    producer, consumer = account.unique("producer"), account.unique("consumer")
    deploy(account, producer, template({"Queue": QUEUE}, Outputs={"Out": {"Value": "read me"}}))
    read = {"Fn::GetStackOutput": {"StackName": producer, "OutputName": "Out"}}
    deploy(account, consumer, template({"Note": note(read)}))
    assert noted(account, consumer) == "read me"
