"""The topic through which people hear of what happened."""

from functools import cached_property

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.arns import ACCOUNT
from stacks.constructs.data_key import DataKey


class Notifications(Construct):
    """Owns the topic of a stage. No state; subscriptions are made by people."""

    def __init__(self, scope: Construct, id: str, *, key: DataKey) -> None:
        super().__init__(scope, id)
        self._key = key
        self.topic = sns.Topic(self, "Topic", display_name="Trimtab", master_key=key.key, enforce_ssl=True)
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.arn],
                conditions={"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            )
        )

    @cached_property
    def arn(self) -> str:
        return self.topic.topic_arn

    def grant_publish(self, grantee: iam.Role) -> None:
        """``grantee`` may publish, and use the key for it."""
        statement = iam.PolicyStatement(actions=["sns:Publish"], resources=[self.arn])
        grantee.add_to_policy(statement)
        self._key.grant(grantee, "sns", "kms:Decrypt", "kms:GenerateDataKey")
