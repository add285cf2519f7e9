"""IAM: what a role's policies say of actions that nobody does."""

import pytest
from botocore.exceptions import ClientError

from .account import Account, allow
from .identities import deny

pytestmark = pytest.mark.iam


def test_a_roles_policies_are_simulated_by_action_resource_and_context(account: Account) -> None:
    bucket = "arn:aws:s3:::simulated"
    role = account.role(
        "sagemaker.amazonaws.com",
        allow("s3:GetObject", on=f"{bucket}/*"),
        allow("s3:ListBucket", on=bucket, Condition={"StringLike": {"s3:prefix": "in/*"}}),
        allow("logs:*"),
        deny("logs:DeleteLogGroup"),
    )

    def decisions(*actions: str, **more: object) -> list[str]:
        answer = account.client("iam").simulate_principal_policy(
            PolicySourceArn=role, ActionNames=list(actions), **more
        )
        return [result["EvalDecision"] for result in answer["EvaluationResults"]]

    assert decisions("logs:PutLogEvents", "logs:DeleteLogGroup", "sqs:SendMessage") == [
        "allowed",
        "explicitDeny",
        "implicitDeny",
    ]
    assert decisions("s3:GetObject") == ["implicitDeny"]  # of every object
    assert decisions("s3:GetObject", ResourceArns=[f"{bucket}/a"]) == ["allowed"]
    prefix = {"ContextKeyName": "s3:prefix", "ContextKeyValues": ["in/a"], "ContextKeyType": "string"}
    assert decisions("s3:ListBucket", ResourceArns=[bucket]) == ["implicitDeny"]
    assert decisions("s3:ListBucket", ResourceArns=[bucket], ContextEntries=[prefix]) == ["allowed"]


def test_a_role_that_does_not_exist_cannot_be_simulated(account: Account) -> None:
    missing = f"arn:aws:iam::{account.number}:role/{account.unique('role')}"
    with pytest.raises(ClientError) as error:
        account.client("iam").simulate_principal_policy(PolicySourceArn=missing, ActionNames=["s3:GetObject"])
    assert error.value.response["Error"]["Code"] == "NoSuchEntity"
