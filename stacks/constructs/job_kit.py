"""Packages that jobs need and AWS's images lack, in S3."""

from aws_cdk import AssetHashType
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.job_kit import built_kit, kit_digest


class JobKit(Construct):
    """Owns nothing in the account but an asset: one archive, known by its recipe."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self._asset = assets.Asset(
            self, "Archive", path=str(built_kit()), asset_hash=kit_digest(), asset_hash_type=AssetHashType.CUSTOM
        )

    @property
    def uri(self) -> str:
        return self._asset.s3_object_url

    @property
    def file_name(self) -> str:
        """Key of the archive, under which SageMaker puts it into a channel's folder."""
        return self._asset.s3_object_key

    @property
    def object_arn(self) -> str:
        return self._asset.bucket.arn_for_objects(self._asset.s3_object_key)

    @property
    def bucket_arn(self) -> str:
        return self._asset.bucket.bucket_arn
