"""Who may watch and who may roll back: people with one of a model's two policies, judged by IAM's rules."""

from typing import Any

import pytest

from localcloud.iam.decision import Principal, decide
from localcloud.iam.policies import Access, Identity
from tests.infra.conftest import Assembly

HERE = "us-east-1:123456789012"
NAME = "trimtab-dev-tiny"
PRODUCTION = f"arn:aws:sagemaker:{HERE}:endpoint/{NAME}"
ROLLBACK = f"arn:aws:states:{HERE}:stateMachine:{NAME}-rollback"
STARTED = f"arn:aws:states:{HERE}:execution:{NAME}-rollback:back"
NAMES = ("Reader", "Rollback")
TABLE, BUCKET, KEY = "arn:table", "arn:bucket", "arn:key"
OWN_ROWS = {"dynamodb:leadingkeys": ("tiny",)}
OTHER_ROWS = {"dynamodb:leadingkeys": ("flights",)}
THROUGH = {"kms:viaservice": ("dynamodb.us-east-1.amazonaws.com",)}


def _plain(value: Any, known: dict[str, str]) -> Any:
    """Template values with those of an account in place of references."""
    if isinstance(value, list):
        return [_plain(each, known) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return separator.join(_plain(part, known) for part in parts)
    if referred := value.get("Ref") or value.get("Fn::GetStackOutput", {}).get("OutputName"):
        return next(found for part, found in known.items() if part in referred)
    return {key: _plain(each, known) for key, each in value.items()}


@pytest.fixture
def policies(assembly: Assembly) -> dict[str, Any]:
    """By what they are called: Reader and Rollback."""
    known = {
        "AWS::Partition": "aws",
        "AWS::Region": "us-east-1",
        "AWS::AccountId": "123456789012",
        "AWS::URLSuffix": "amazonaws.com",
        "Key": KEY,
        "Ledger": TABLE,
        "Bucket": BUCKET,
        "RollbackMachine": ROLLBACK,
    }
    found = {
        policy.id: _plain(policy.properties["PolicyDocument"], known)
        for policy in assembly.resources("AWS::IAM::ManagedPolicy")
        if policy.stack == "trimtab-dev-model-tiny"
    }
    return {name: found[id] for name in NAMES for id in found if id.startswith(f"Onlookers{name}")}


@pytest.mark.parametrize(
    ("action", "resource", "context", "reader", "rollback"),
    [
        ("sagemaker:DescribeEndpoint", PRODUCTION, {}, True, True),
        ("sagemaker:UpdateEndpoint", PRODUCTION, {}, False, False),
        ("sagemaker:InvokeEndpoint", PRODUCTION, {}, False, False),
        ("dynamodb:Query", TABLE, OWN_ROWS, True, True),
        ("dynamodb:Query", f"{TABLE}/index/kind", OWN_ROWS, True, True),
        ("dynamodb:Query", TABLE, OTHER_ROWS, False, False),
        ("dynamodb:PutItem", TABLE, OWN_ROWS, False, False),
        ("kms:Decrypt", KEY, THROUGH, True, True),
        ("kms:Decrypt", KEY, {}, False, False),
        ("s3:GetObject", f"{BUCKET}/tiny/rollouts/a/report.html", {}, True, True),
        ("s3:GetObject", f"{BUCKET}/tiny/datasets/a/rows.parquet", {}, False, False),
        ("cloudformation:DescribeStacks", f"arn:aws:cloudformation:{HERE}:stack/trimtab-dev-data/1", {}, True, True),
        ("states:StartExecution", ROLLBACK, {}, False, True),
        ("states:StartExecution", ROLLBACK.replace("rollback", "promotion"), {}, False, False),
        ("states:DescribeExecution", STARTED, {}, False, True),
        ("sagemaker:UpdateModelPackage", f"arn:aws:sagemaker:{HERE}:model-package/{NAME}/3", {}, False, False),
    ],
)
def test_what_people_may_do_who_watch_and_who_roll_back(
    policies: dict[str, Any],
    action: str,
    resource: str,
    context: dict[str, tuple[str, ...]],
    reader: bool,
    rollback: bool,
) -> None:
    found = {}
    for name, document in policies.items():
        person = Principal("arn:aws:iam::123456789012:user/eva", Identity(frozenset()), (document,))
        found[name] = decide(person, Access(action, resource, context), None) is None
    assert found == {"Reader": reader, "Rollback": rollback}


def test_the_stack_names_both_policies(assembly: Assembly) -> None:
    outputs = assembly.templates["trimtab-dev-model-tiny"]["Outputs"]
    for name in NAMES:
        assert [output for output in outputs if output.startswith(f"Onlookers{name}Policy")], outputs
