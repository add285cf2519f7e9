"""The key of what operating Trimtab leaves behind: logs, queues, notices and executions."""

from constructs import Construct

from stacks.arns import REGION, URL_SUFFIX, arn
from stacks.constructs.data_key import DataKey
from stacks.stage import Stage


def operations_key(scope: Construct, id: str, *, stage: Stage) -> DataKey:
    """A key that logs, alarms, rules and log deliveries of this account may use."""
    key = DataKey(scope, id, stage=stage, description="Trimtab: logs, queues, notices and executions")
    own_groups = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arn("logs", "log-group:*")}}
    key.allow_service(
        f"logs.{REGION}.{URL_SUFFIX}",
        *("kms:Decrypt*", "kms:DescribeKey", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"),
        condition=own_groups,
    )
    own_deliveries = {"StringEquals": {"kms:EncryptionContext:SourceArn": arn("logs", "*")}}
    key.allow_service("delivery.logs.amazonaws.com", "kms:Decrypt*", condition=own_deliveries)
    for service in ("cloudwatch", "events"):
        key.allow_service(f"{service}.amazonaws.com", "kms:Decrypt", "kms:GenerateDataKey*")
    return key
