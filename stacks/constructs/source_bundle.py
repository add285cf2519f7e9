"""The code of a model's jobs, in S3."""

from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.generated import generated_file
from stacks.model_source import ModelSource


class SourceBundle(Construct):
    """Owns nothing in the account but an asset: an archive under the digest of its content."""

    def __init__(self, scope: Construct, id: str, *, model: ModelSource) -> None:
        super().__init__(scope, id)
        archive = generated_file(f"{model.spec.name}.tar.gz", model.bundle())
        self._asset = assets.Asset(self, "Archive", path=str(archive))

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
