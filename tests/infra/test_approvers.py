"""Who may approve: people with one of a model's two policies, judged by IAM's rules on the real templates."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.iam.decision import Principal, decide
from localcloud.iam.policies import Access, Identity
from stacks.constructs import approvers
from tests.infra.conftest import Assembly
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


def _plain(value: Any) -> Any:
    """Template values with the account's own in place of references."""
    if isinstance(value, dict) and "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return separator.join(_plain(part) for part in parts)
    if isinstance(value, dict) and "Ref" in value:
        return {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012"}[value["Ref"]]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _policies(assembly: Assembly) -> Iterator[tuple[str, dict[str, Any]]]:
    for policy in assembly.resources("AWS::IAM::ManagedPolicy"):
        if policy.stack == "trimtab-dev-model-tiny" and policy.id.startswith("Approvers"):
            name = "emergency" if "Emergency" in policy.id else "approver"
            yield name, _plain(policy.properties["PolicyDocument"])


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
    found = {}
    for name, document in _policies(assembly):
        person = Principal("arn:aws:iam::123456789012:user/ann", Identity(frozenset()), (document,))
        found[name] = decide(person, Access(action, resource, context), None) is None
    assert found == wanted


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
