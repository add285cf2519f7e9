"""Every wildcard that an Allow statement may hold, with the reason why it cannot be narrower.

A test compares this table with the templates both ways: a wildcard that is not listed fails, and so does an entry that
nothing uses any more. ``actions`` are exact; ``resource`` is matched against the resource with CloudFormation's
references replaced by ``<name>``.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Wildcard:
    """Actions that are allowed on resources known by a pattern only."""

    actions: frozenset[str]
    resource: str
    """Regular expression for the whole resource."""
    reason: str

    def covers(self, action: str, resource: str) -> bool:
        return action in self.actions and re.fullmatch(self.resource, resource) is not None


def _entry(resource: str, reason: str, *actions: str) -> Wildcard:
    return Wildcard(frozenset(actions), resource, reason)


_ANY = re.escape("*")
_MODEL = r"trimtab-[a-z]+-[a-z][a-z0-9-]*"
_ARN = r"arn:<AWS::Partition>:{service}:<AWS::Region>:<AWS::AccountId>:"


def _sagemaker(kind: str, name: str) -> str:
    return _ARN.format(service="sagemaker") + f"{kind}/{_MODEL}{name}"


WILDCARDS: tuple[Wildcard, ...] = (
    _entry(
        _ANY,
        "X-Ray has no resource types for these actions.",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
    ),
    _entry(
        _ANY,
        "Log delivery of Step Functions: CloudWatch Logs has no resource types for vended log deliveries.",
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
    ),
    _entry(
        _ANY,
        "PutMetricData has no resource type; the condition cloudwatch:namespace narrows it to SageMaker's own.",
        "cloudwatch:PutMetricData",
    ),
    _entry(
        _ANY,
        "GetAuthorizationToken has no resource type; pulling is allowed on the one repository only.",
        "ecr:GetAuthorizationToken",
    ),
    _entry(
        _ANY,
        "A key policy's resource is the key itself; who may and under which condition is in the statement.",
        "kms:*",
        "kms:Decrypt",
        "kms:Decrypt*",
        "kms:DescribeKey",
        "kms:Encrypt*",
        "kms:GenerateDataKey*",
        "kms:ReEncrypt*",
    ),
)
