"""The code of a model's jobs, in S3."""

from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.constructs.job_archive import JobArchive
from stacks.generated import generated_file
from stacks.model_source import ModelSource


class SourceBundle(JobArchive):
    """An archive under the digest of its content."""

    def __init__(self, scope: Construct, id: str, *, model: ModelSource) -> None:
        archive = generated_file(f"{model.spec.name}.tar.gz", model.bundle())
        super().__init__(scope, id, asset=assets.AssetProps(path=str(archive)))
