import json
import re
from collections.abc import Iterator
from typing import Any

from stacks.synthesis import Template
from stacks.templates import state_machines
from stacks.wildcards import WILDCARDS
from tests.infra.checks import permissions
from tests.infra.checks.permissions import Statement
from tests.infra.conftest import Assembly, Resource

CONFUSABLE = {"states.amazonaws.com", "events.amazonaws.com", "scheduler.amazonaws.com", "sagemaker.amazonaws.com"}
"""Services that name account and resource when they assume a role. Lambda names neither for a function's own role."""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _documents(assembly: Assembly) -> Iterator[tuple[Resource, list[Statement]]]:
    for type in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::KMS::Key"):
        for resource in assembly.resources(type):
            document = resource.properties.get("PolicyDocument") or resource.properties["KeyPolicy"]
            yield resource, permissions.statements(document)


def _machine_roles(assembly: Assembly) -> Iterator[tuple[str, list[Statement], Template]]:
    for machine in assembly.resources("AWS::StepFunctions::StateMachine"):
        template = assembly.templates[machine.stack]
        role = machine.properties["RoleArn"]["Fn::GetAtt"][0]
        yield machine.id, permissions.policies_of(template, role), state_machines(template)[machine.id]


def test_a_machines_role_allows_what_its_tasks_call_and_nothing_else(assembly: Assembly) -> None:
    for name, allowed, definition in _machine_roles(assembly):
        assert permissions.missing(allowed, definition) == set(), name
        assert permissions.surplus(allowed, definition) == set(), name


def test_a_machines_role_invokes_exactly_the_functions_that_it_calls(assembly: Assembly) -> None:
    for name, allowed, definition in _machine_roles(assembly):
        called = permissions.needed(definition)["lambda:InvokeFunction"]
        (invoking,) = [statement for statement in allowed if "lambda:InvokeFunction" in statement.actions]
        assert len(invoking.resources) == len(called), name
        assert not [resource for resource in invoking.resources if "*" in resource], name


def test_a_permission_that_is_missing_or_too_much_is_noticed(assembly: Assembly) -> None:
    _, allowed, definition = next(each for each in _machine_roles(assembly) if "Training" in each[0])
    jobs = next(statement for statement in allowed if "sagemaker:StopTrainingJob" in statement.actions)
    assert "sagemaker:StopTrainingJob" in permissions.missing([s for s in allowed if s is not jobs], definition)
    extra = permissions.Statement("Allow", frozenset({"s3:DeleteObject"}), frozenset({"*"}), {})
    assert permissions.surplus([*allowed, extra], definition) == {"s3:DeleteObject"}


def test_services_may_assume_roles_only_for_this_account_and_a_known_source(assembly: Assembly) -> None:
    for role in assembly.resources("AWS::IAM::Role"):
        for statement in role.properties["AssumeRolePolicyDocument"]["Statement"]:
            services = {str(service) for service in _listed(statement["Principal"]["Service"])}
            if services & CONFUSABLE:
                assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
                assert statement["Condition"]["ArnLike"]["aws:SourceArn"], role.id
            else:
                assert services == {"lambda.amazonaws.com"}, role.id


def test_machines_trust_is_for_exactly_themselves(assembly: Assembly) -> None:
    for machine in assembly.resources("AWS::StepFunctions::StateMachine"):
        role = assembly.templates[machine.stack]["Resources"][machine.properties["RoleArn"]["Fn::GetAtt"][0]]
        (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        source = json.dumps(statement["Condition"]["ArnLike"]["aws:SourceArn"])
        assert f":stateMachine:{machine.properties['StateMachineName']}" in source


def _wild(resource: str) -> bool:
    return "*" in resource


def test_every_wildcard_is_listed_with_its_reason(assembly: Assembly) -> None:
    unlisted = {
        (action, resource)
        for _, statements in _documents(assembly)
        for statement in statements
        if statement.effect == "Allow"
        for action in statement.actions
        for resource in statement.resources
        if (_wild(resource) or _wild(action)) and not any(each.covers(action, resource) for each in WILDCARDS)
    }
    assert unlisted == set()


def test_every_listed_wildcard_is_used(assembly: Assembly) -> None:
    used = {
        (action, resource)
        for _, statements in _documents(assembly)
        for statement in statements
        if statement.effect == "Allow"
        for action in statement.actions
        for resource in statement.resources
    }
    idle = [
        (action, each.resource)
        for each in WILDCARDS
        for action in each.actions
        if not any(each.covers(action, resource) for used_action, resource in used if used_action == action)
    ]
    assert idle == []


def test_roles_are_passed_to_sagemaker_only_and_only_the_models_own(assembly: Assembly) -> None:
    passing = [
        statement
        for _, statements in _documents(assembly)
        for statement in statements
        if "iam:PassRole" in statement.actions
    ]
    assert passing
    for statement in passing:
        assert statement.condition == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        assert all(re.fullmatch(r"<(Execution|Serverless)Role\w+\.Arn>", resource) for resource in statement.resources)


def _is_for_people(resource: Resource) -> bool:
    """The policies that no role of the app has."""
    return resource.type == "AWS::IAM::ManagedPolicy" and not resource.properties.get("Roles")


def test_whoever_may_touch_packages_is_denied_to_approve_them(assembly: Assembly) -> None:
    approving = {"sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"}
    for resource, statements in _documents(assembly):
        if _is_for_people(resource):
            continue
        denied = [s for s in statements if s.effect == "Deny" and approving <= s.actions and s.resources == {"*"}]
        machine = any("lambda:InvokeFunction" in statement.actions for statement in statements)
        if machine or any(approving & statement.actions for statement in statements if statement.effect == "Allow"):
            (statement,) = denied
            assert statement.condition == {"StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"}}, resource.id


def test_nobody_may_delete_from_the_ledger_or_the_buckets(assembly: Assembly) -> None:
    allowed = {
        action
        for _, statements in _documents(assembly)
        for statement in statements
        if statement.effect == "Allow"
        for action in statement.actions
    }
    forbidden = {"dynamodb:DeleteItem", "dynamodb:UpdateItem", "s3:DeleteObject", "s3:DeleteObjectVersion"}
    assert allowed & forbidden == set()


def test_a_models_functions_reach_only_the_models_own_rows_and_folders(assembly: Assembly) -> None:
    for resource, statements in _documents(assembly):
        if not resource.stack.startswith("trimtab-dev-model-"):
            continue
        model = resource.stack.removeprefix("trimtab-dev-model-")
        for statement in statements:
            if any(action.startswith("dynamodb:") for action in statement.actions):
                keys = statement.condition["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]
                assert {key.partition("#")[0] for key in keys} == {model}, resource.id
            if {"s3:GetObject", "s3:PutObject"} & statement.actions:
                paths = [found.replace("/_temporary/", "/") for found in statement.resources if "cdk-" not in found]
                folders = {path.split("/")[1] for path in paths}
                assert folders <= {model}, resource.id


def test_roles_carry_no_managed_policies_of_aws_and_none_that_the_tests_here_would_not_see(assembly: Assembly) -> None:
    elsewhere = {"ManagedPolicyArns", "Policies"}
    assert [role.id for role in assembly.resources("AWS::IAM::Role") if elsewhere & set(role.properties)] == []


def test_a_serverless_container_which_has_a_network_may_read_models_and_no_data(assembly: Assembly) -> None:
    found = [
        statement
        for resource, statements in _documents(assembly)
        if resource.id.startswith("ServerlessRole")
        for statement in statements
    ]
    read = {resource for each in found if "s3:GetObject" in each.actions for resource in each.resources}
    assert read
    assert all("/runs/*" in resource for resource in read), read
    assert not {action for each in found for action in each.actions if action.startswith(("s3:Put", "s3:Delete"))}
