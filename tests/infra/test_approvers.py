"""Who may approve: people with one of a model's two policies, judged by IAM's rules on the real templates."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.iam.decision import Principal, decide
from localcloud.iam.policies import Access, Identity
from stacks.constructs import approvers
from tests.infra.conftest import Assembly
from tests.infra.people import HERE, TABLE, machine, may, policy
from trimtab.rollout import votes

GROUP = "trimtab-dev-tiny"
VERSION = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{GROUP}/3"
OTHER = "arn:aws:sagemaker:us-east-1:123456789012:model-package/trimtab-dev-flights/3"
PRODUCTION = f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{GROUP}"
MACHINE = f"arn:aws:states:us-east-1:123456789012:stateMachine:{GROUP}"
STATUS = "sagemaker:modelapprovalstatus"
SKIP = f"sagemaker:customermetadataproperties/{votes.SKIP}"
SUBMITTER = "sagemaker:customermetadataproperties/submitted-by"
UPDATE = "sagemaker:UpdateModelPackage"
OWN_ROWS = {"dynamodb:leadingkeys": ("tiny",)}


def _policies(assembly: Assembly) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, start in (("approver", "ApproversApprover"), ("emergency", "ApproversEmergencyApprover")):
        yield name, policy(assembly, "tiny", start)


@pytest.mark.parametrize(
    ("action", "resource", "context", "approver", "emergency"),
    [
        (UPDATE, VERSION, {STATUS: ("Approved",)}, True, True),
        (UPDATE, VERSION, {STATUS: ("Rejected",)}, True, True),
        (UPDATE, VERSION, {STATUS: ("PendingManualApproval",)}, True, True),
        (UPDATE, VERSION, {}, False, False),
        (UPDATE, VERSION, {STATUS: ("Approved",), SKIP: ("staging",)}, False, True),
        (UPDATE, VERSION, {STATUS: ("Approved",), SUBMITTER: ("somebody",)}, False, False),
        (UPDATE, OTHER, {STATUS: ("Approved",)}, False, False),
        ("sagemaker:CreateModelPackage", VERSION, {STATUS: ("Approved",)}, False, False),
        ("sagemaker:CreateModelPackage", VERSION, {}, False, False),
        ("sagemaker:DescribeModelPackage", VERSION, {}, True, True),
        ("sagemaker:UpdateEndpoint", PRODUCTION, {}, False, False),
        ("states:StartExecution", f"{MACHINE}-recovery", {}, True, True),
        ("states:StartExecution", f"{MACHINE}-training", {}, False, False),
        ("states:StartExecution", f"{MACHINE}-baseline", {}, True, True),
        ("states:DescribeExecution", f"arn:aws:states:{HERE}:execution:{GROUP}-baseline:one", {}, True, True),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:reconsider_baseline", {}, False, False),
        ("states:StartExecution", f"{MACHINE}-promotion", {}, False, False),
        ("dynamodb:Query", TABLE, OWN_ROWS, True, True),
        ("dynamodb:PutItem", TABLE, OWN_ROWS, False, False),
    ],
)
def test_what_an_approver_may_do(
    assembly: Assembly,
    action: str,
    resource: str,
    context: dict[str, tuple[str, ...]],
    approver: bool,
    emergency: bool,
) -> None:
    wanted = {"approver": approver, "emergency": emergency}
    assert {name: may(document, action, resource, context) for name, document in _policies(assembly)} == wanted


def test_an_approver_opens_gates_where_there_are_any(assembly: Assembly) -> None:
    for start in ("ApproversApprover", "ApproversEmergencyApprover"):
        document = policy(assembly, "searched", start)
        assert may(document, "states:StartExecution", machine("searched", "release"), {})
        execution = machine("searched", "release").replace(":stateMachine:", ":execution:") + ":one"
        assert may(document, "states:DescribeExecution", execution, {})
        assert not may(document, "states:StartExecution", machine("tiny", "release"), {})
    assert not may(
        policy(assembly, "searched", "OnlookersReader"), "states:StartExecution", machine("searched", "release"), {}
    )


def test_people_start_machines_and_invoke_no_function(assembly: Assembly) -> None:
    policies = assembly.resources("AWS::IAM::ManagedPolicy")
    assert len(policies) > 6
    for each in policies:
        assert "lambda:" not in json.dumps(each.properties["PolicyDocument"]), f"{each.stack}/{each.id}"


@pytest.mark.parametrize("action", ["sagemaker:UpdateEndpoint", "sagemaker:CreateModelPackage"])
def test_an_approver_does_not_deploy_or_register_whatever_else_they_may(assembly: Assembly, action: str) -> None:
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    resource = PRODUCTION if action.endswith("Endpoint") else VERSION
    for name, document in _policies(assembly):
        person = Principal("arn:aws:iam::123456789012:user/ann", Identity(frozenset()), (document, everything))
        assert decide(person, Access(action, resource, {}), None) is not None, name


def test_stacks_and_library_name_the_skip_alike(assembly: Assembly) -> None:
    assert f'"{approvers._SKIP}"' in json.dumps(dict(_policies(assembly))["approver"])
    assert approvers._SKIP.endswith(f"/{votes.SKIP}")
