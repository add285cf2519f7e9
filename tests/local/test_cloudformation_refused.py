"""What CloudFormation does not do here is refused, not recorded and then ignored."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud

BODY = '{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}'


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("continue_update_rollback", {"StackName": "any"}),
        ("create_stack_set", {"StackSetName": "any", "TemplateBody": BODY}),
        ("detect_stack_drift", {"StackName": "any"}),
        ("rollback_stack", {"StackName": "any"}),
        ("set_stack_policy", {"StackName": "any", "StackPolicyBody": "{}"}),
    ],
)
def test_an_operation_that_nobody_built_is_named_in_a_refusal(
    cloud: LocalCloud, operation: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ClientError, match="".join(part.title() for part in operation.split("_"))) as refused:
        getattr(cloud.client("cloudformation"), operation)(**arguments)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    "more",
    [
        {"NotificationARNs": ["arn:aws:sns:us-east-1:123456789012:any"]},
        {"OnFailure": "DELETE"},
        {"ResourceTypes": ["AWS::SQS::*"]},
        {"StackPolicyBody": "{}"},
        {"TimeoutInMinutes": 5},
        {"RollbackConfiguration": {"RollbackTriggers": [{"Arn": "any", "Type": "AWS::CloudWatch::Alarm"}]}},
    ],
    ids=lambda more: next(iter(more)),
)
def test_a_parameter_that_would_be_ignored_is_refused(cloud: LocalCloud, more: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="The local cloud does not do") as refused:
        cloud.client("cloudformation").create_stack(StackName="refused", TemplateBody=BODY, **more)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    live = cloud.client("cloudformation").describe_stacks()["Stacks"]
    assert "refused" not in [one["StackName"] for one in live]
