"""A bucket that keeps every version, encrypted with its own key."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.data_key import DataKey
from stacks.stage import Stage

_ENCRYPTION = "s3:x-amz-server-side-encryption"
_ENCRYPTION_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"


class DataBucket(Construct):
    """Owns a versioned bucket and its key. Holds state."""

    def __init__(self, scope: Construct, id: str, *, stage: Stage, description: str, **options: Any) -> None:
        super().__init__(scope, id)
        self.key = DataKey(self, "Encryption", stage=stage, description=description)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            versioned=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=stage.removal,
            **options,
        )
        self._refuse_other_encryption()

    @cached_property
    def arn(self) -> str:
        return self.bucket.bucket_arn

    def announce_objects(self) -> None:
        """S3 sends an event to EventBridge for every new object."""
        # Through the L1: the L2's event_bridge_enabled brings a custom resource with a Lambda function of its own.
        resource = cast(s3.CfnBucket, self.bucket.node.default_child)
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )

    def folder(self, name: str) -> "BucketFolder":
        return BucketFolder(self, name)

    def _refuse_other_encryption(self) -> None:
        """Deny puts that name another encryption or key; puts that name none get the bucket's own."""
        self._deny_put("AnotherEncryption", _ENCRYPTION, "aws:kms")
        self._deny_put("AnotherKey", _ENCRYPTION_KEY, self.key.arn)

    def _deny_put(self, sid: str, header: str, expected: str) -> None:
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=[f"{self.arn}/*"],
                conditions={"Null": {header: "false"}, "StringNotEquals": {header: expected}},
            )
        )


@dataclass(frozen=True)
class BucketFolder:
    """One model's folder of a bucket. What is granted reaches no further than the folder."""

    owner: DataBucket
    name: str

    def uri(self, *parts: str) -> str:
        return "/".join((f"s3://{self.owner.bucket.bucket_name}/{self.name}", *parts))

    def grant_read(self, grantee: iam.Role, *parts: str) -> None:
        """``grantee`` may read objects and their versions below ``parts`` (default: the whole folder)."""
        self._objects(grantee, ["s3:GetObject", "s3:GetObjectVersion"], parts)
        self.owner.key.grant(grantee, "s3", "kms:Decrypt")

    def grant_write(self, grantee: iam.Role, *parts: str) -> None:
        """``grantee`` may write objects below ``parts``, also in several parts."""
        self._objects(grantee, ["s3:PutObject", "s3:AbortMultipartUpload"], parts)
        self.owner.key.grant(grantee, "s3", "kms:GenerateDataKey", "kms:Decrypt")

    def grant_list(self, grantee: iam.Role) -> None:
        """``grantee`` may list the folder, and learns that an object is gone rather than forbidden."""
        # A request for one object has no s3:prefix, hence IfExists; S3 answers 404 only to those who may list.
        grantee.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[self.owner.arn],
                conditions={"StringLikeIfExists": {"s3:prefix": f"{self.name}/*"}},
            )
        )

    def _objects(self, grantee: iam.Role, actions: Sequence[str], parts: Sequence[str]) -> None:
        keys = [f"{self.name}/{part}/*" for part in parts] or [f"{self.name}/*"]
        objects = [f"{self.owner.arn}/{key}" for key in keys]
        statement = iam.PolicyStatement(actions=list(actions), resources=objects)
        grantee.add_to_policy(statement)


def temporary(folder: str) -> s3.LifecycleRule:
    """What lies in ``folder`` goes after two weeks: long enough to look into a drop that went wrong."""
    return s3.LifecycleRule(
        id="Temporary",
        prefix=f"{folder}/",
        expiration=Duration.days(14),
        noncurrent_version_expiration=Duration.days(1),
    )


def unfinished_uploads() -> s3.LifecycleRule:
    """Parts of uploads that nobody finished go after a week; what was finished stays."""
    return s3.LifecycleRule(id="UnfinishedUploads", abort_incomplete_multipart_upload_after=Duration.days(7))
