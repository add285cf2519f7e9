"""Who may watch and who may roll back: people with one of a model's two policies, judged by IAM's rules."""

import pytest

from tests.infra.conftest import Assembly
from tests.infra.people import BUCKET, HERE, KEY, TABLE, machine, may, policy

NAME = "trimtab-dev-tiny"
PRODUCTION = f"arn:aws:sagemaker:{HERE}:endpoint/{NAME}"
ROLLBACK = machine("tiny", "rollback")
STARTED = f"arn:aws:states:{HERE}:execution:{NAME}-rollback:back"
NAMES = ("Reader", "Rollback")
OWN_ROWS = {"dynamodb:leadingkeys": ("tiny",)}
OTHER_ROWS = {"dynamodb:leadingkeys": ("flights",)}
THROUGH = {"kms:viaservice": ("dynamodb.us-east-1.amazonaws.com",)}


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
    assembly: Assembly,
    action: str,
    resource: str,
    context: dict[str, tuple[str, ...]],
    reader: bool,
    rollback: bool,
) -> None:
    found = {name: may(policy(assembly, "tiny", f"Onlookers{name}"), action, resource, context) for name in NAMES}
    assert found == {"Reader": reader, "Rollback": rollback}


def test_the_stack_names_both_policies(assembly: Assembly) -> None:
    outputs = assembly.templates["trimtab-dev-model-tiny"]["Outputs"]
    for name in NAMES:
        assert [output for output in outputs if output.startswith(f"Onlookers{name}Policy")], outputs
