"""An archive that jobs get as an input channel, in S3."""

from aws_cdk import aws_s3_assets as assets
from constructs import Construct


class JobArchive(Construct):
    """Owns nothing in the account but an asset, which whoever derives from this has made."""

    def __init__(self, scope: Construct, id: str, *, asset: assets.AssetProps) -> None:
        super().__init__(scope, id)
        self._asset = assets.Asset(
            self,
            "Archive",
            path=asset.path,
            asset_hash=asset.asset_hash,
            asset_hash_type=asset.asset_hash_type,
        )

    @property
    def uri(self) -> str:
        return self._asset.s3_object_url

    @property
    def file_name(self) -> str:
        """Name under which SageMaker puts the archive into a channel's folder."""
        return self._asset.s3_object_key

    @property
    def object_arn(self) -> str:
        return self._asset.bucket.arn_for_objects(self._asset.s3_object_key)

    @property
    def bucket_arn(self) -> str:
        return self._asset.bucket.bucket_arn
