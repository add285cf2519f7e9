"""The key of one class of data."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.arns import ACCOUNT, REGION, URL_SUFFIX
from stacks.stage import Stage

Condition = Mapping[str, Mapping[str, str | Sequence[str]]]


class DataKey(Construct):
    """Owns one rotating KMS key. Holds state: without the key, what it encrypted is lost."""

    def __init__(self, scope: Construct, id: str, *, stage: Stage, description: str) -> None:
        super().__init__(scope, id)
        self.key = kms.Key(
            self,
            "Key",
            description=description,
            enable_key_rotation=True,
            pending_window=Duration.days(30 if stage.protected else 7),
            removal_policy=stage.removal,
        )

    @cached_property
    def arn(self) -> str:
        return self.key.key_arn

    def grant(self, grantee: iam.Role, service: str, *actions: str) -> None:
        """``grantee`` may use the key for ``actions``, but only through ``service``."""
        via = {"StringEquals": {"kms:ViaService": f"{service}.{REGION}.{URL_SUFFIX}"}}
        self._allow(grantee, actions, via)

    def grant_volumes(self, grantee: iam.Role) -> None:
        """``grantee`` may have AWS attach volumes that are encrypted with the key."""
        for_aws = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        self._allow(grantee, ["kms:CreateGrant"], for_aws)
        self._allow(grantee, ["kms:DescribeKey"], None)

    def allow_service(self, principal: str, *actions: str, condition: Condition | None = None) -> None:
        """The AWS service ``principal`` may use the key on behalf of this account."""
        own_account = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(principal)],
                actions=list(actions),
                resources=["*"],
                conditions=condition or own_account,
            )
        )

    def _allow(self, grantee: iam.Role, actions: Sequence[str], conditions: Condition | None) -> None:
        statement = iam.PolicyStatement(actions=list(actions), resources=[self.arn], conditions=conditions)
        grantee.add_to_policy(statement)
