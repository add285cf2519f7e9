"""Where tables in somebody else's bucket lie, and who may read them."""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam

from stacks.arns import PARTITION, REGION, URL_SUFFIX
from trimtab.spec.lake import LakeSpec


@dataclass(frozen=True)
class LakeTable:
    """The location of a model's tables. What is granted reaches no further, and never to write."""

    spec: LakeSpec

    def grant_read(self, grantee: iam.Role) -> None:
        """``grantee`` may read the tables' objects, in any version."""
        self._allow(grantee, ["s3:GetObject", "s3:GetObjectVersion"], f"{self._bucket_arn}/{self._folder}*")
        if self.spec.key:
            via = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.{URL_SUFFIX}"}}
            grantee.add_to_policy(
                iam.PolicyStatement(actions=["kms:Decrypt"], resources=[self.spec.key], conditions=via)
            )

    def grant_list(self, grantee: iam.Role) -> None:
        """``grantee`` may see which objects there are."""
        # A request for one object has no s3:prefix, hence IfExists; S3 answers 404 only to those who may list.
        grantee.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[self._bucket_arn],
                conditions={"StringLikeIfExists": {"s3:prefix": f"{self._folder}*"}},
            )
        )

    @property
    def _bucket_arn(self) -> str:
        return f"arn:{PARTITION}:s3:::{self.spec.location.split('/')[2]}"

    @property
    def _folder(self) -> str:
        return self.spec.location.split("/", 3)[3]

    @staticmethod
    def _allow(grantee: iam.Role, actions: list[str], resource: str) -> None:
        grantee.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
