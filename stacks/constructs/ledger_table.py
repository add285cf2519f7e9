"""The table that remembers what was decided."""

from collections.abc import Sequence
from functools import cached_property

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.data_key import DataKey
from stacks.stage import Stage

_PARTITIONS = ("", "#state", "#claim", "#lease")
_INDICES = ("kind", "subject")
"""Attributes of an entry by which a model's entries are found without reading them all, as consistently."""


class LedgerTable(Construct):
    """Owns the ledger and its key. Holds state."""

    def __init__(self, scope: Construct, id: str, *, stage: Stage) -> None:
        super().__init__(scope, id)
        self.key = DataKey(self, "Encryption", stage=stage, description="Trimtab: ledger")
        # Not TableV2: with a key of one's own it cannot be synthesized without naming the region.
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=stage.protected,
            removal_policy=stage.removal,
        )
        for attribute in _INDICES:
            self.table.add_local_secondary_index(
                index_name=attribute,
                sort_key=dynamodb.Attribute(name=attribute, type=dynamodb.AttributeType.STRING),
                projection_type=dynamodb.ProjectionType.ALL,
            )

    @cached_property
    def arn(self) -> str:
        return self.table.table_arn

    @property
    def readable(self) -> list[str]:
        """What a query needs: the table and its indices."""
        return [self.arn, *(f"{self.arn}/index/{attribute}" for attribute in _INDICES)]

    def grant_read(self, grantee: iam.Role, model: str) -> None:
        """``grantee`` may read the rows of ``model``."""
        self._allow(grantee, model, "dynamodb:GetItem")
        self.grant_entries(grantee, model)

    def grant_entries(self, grantee: iam.Role, model: str) -> None:
        """``grantee`` may read the entries of ``model``, by their kind or subject."""
        self._allow(grantee, model, "dynamodb:Query", on=self.readable)
        self.key.grant(grantee, "dynamodb", "kms:Decrypt")

    def grant_read_all(self, grantee: iam.Role) -> None:
        """``grantee`` may read entries of every model, by their kind or subject."""
        grantee.add_to_policy(iam.PolicyStatement(actions=["dynamodb:Query"], resources=self.readable))
        self.key.grant(grantee, "dynamodb", "kms:Decrypt")

    def grant_append(self, grantee: iam.Role, model: str) -> None:
        """``grantee`` may read and put rows of ``model``. Nobody may delete one."""
        self.grant_read(grantee, model)
        self._allow(grantee, model, "dynamodb:PutItem")
        self.key.grant(grantee, "dynamodb", "kms:Encrypt", "kms:GenerateDataKey")

    def grant_append_all(self, grantee: iam.Role) -> None:
        """``grantee`` may read and put rows of every model."""
        statement = iam.PolicyStatement(
            actions=["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"], resources=self.readable
        )
        grantee.add_to_policy(statement)
        self.key.grant(grantee, "dynamodb", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")

    @staticmethod
    def own_rows(model: str) -> dict[str, dict[str, list[str]]]:
        """The condition that only rows of ``model`` fulfil."""
        keys = [f"{model}{partition}" for partition in _PARTITIONS]
        return {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": keys}}

    def _allow(self, grantee: iam.Role, model: str, *actions: str, on: Sequence[str] = ()) -> None:
        resources = list(on) or [self.arn]
        statement = iam.PolicyStatement(actions=list(actions), resources=resources, conditions=self.own_rows(model))
        grantee.add_to_policy(statement)
