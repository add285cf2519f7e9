"""Where events go that could not be delivered."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.data_key import DataKey


class DeadLetters(Construct):
    """Owns one queue for a stack's rules and schedules. A message waits a fortnight for somebody to look."""

    def __init__(self, scope: Construct, id: str, *, key: DataKey) -> None:
        super().__init__(scope, id)
        self.key = key
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key.key,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )

    def grant_send(self, grantee: iam.Role) -> None:
        """``grantee`` may put messages into the queue, and use the key for it."""
        statement = iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.queue.queue_arn])
        grantee.add_to_policy(statement)
        self.key.grant(grantee, "sqs", "kms:Decrypt", "kms:GenerateDataKey")
