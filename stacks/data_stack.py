"""All state of one stage: what is dropped, made, captured, decided and signed."""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.data_bucket import DataBucket, temporary, unfinished_uploads
from stacks.constructs.ledger_table import LedgerTable
from stacks.stage import Stage
from trimtab.contracts import TEMPORARY


class DataStack(Stack):
    """Buckets, keys and the ledger. A logical id that changes here is a migration with a decision record."""

    def __init__(self, scope: Construct, id: str, *, stage: Stage) -> None:
        super().__init__(scope, id, termination_protection=stage.protected, description="Trimtab: state of a stage")
        self.drops = DataBucket(
            self, "Drops", stage=stage, description="Trimtab: dropped files", lifecycle_rules=[unfinished_uploads()]
        )
        self.drops.announce_objects()
        self.artifacts = DataBucket(
            self,
            "Artifacts",
            stage=stage,
            description="Trimtab: datasets, models and reports",
            lifecycle_rules=[unfinished_uploads(), temporary(TEMPORARY)],
        )
        self.captures = DataBucket(
            self,
            "Captures",
            stage=stage,
            description="Trimtab: captured traffic",
            lifecycle_rules=[_captures_age(stage.captures_days)],
        )
        self.audit = DataBucket(
            self,
            "Audit",
            stage=stage,
            description="Trimtab: audit checkpoints",
            lifecycle_rules=[unfinished_uploads()],
            object_lock_enabled=True,
            object_lock_default_retention=stage.audit_lock,
        )
        self.ledger = LedgerTable(self, "Ledger", stage=stage)
        self.signing_key = kms.Key(
            self,
            "Signing",
            description="Trimtab: signatures of model packages",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            pending_window=Duration.days(30 if stage.protected else 7),
            removal_policy=stage.removal,
        )
        self._tell()

    def _tell(self) -> None:
        """What command line and console need to find."""
        for name, value in (
            ("DropsBucket", self.drops.bucket.bucket_name),
            ("ArtifactsBucket", self.artifacts.bucket.bucket_name),
            ("CapturesBucket", self.captures.bucket.bucket_name),
            ("AuditBucket", self.audit.bucket.bucket_name),
            ("LedgerTable", self.ledger.table.table_name),
            ("SigningKey", self.signing_key.key_id),
        ):
            CfnOutput(self, name, value=value)


def _captures_age(days: int) -> s3.LifecycleRule:
    """Captured traffic goes after ``days``, an overwritten object after a month."""
    return s3.LifecycleRule(
        id="Captures",
        expiration=Duration.days(days),
        noncurrent_version_expiration=Duration.days(30),
        abort_incomplete_multipart_upload_after=Duration.days(7),
    )
