"""Packages that jobs need and AWS's images lack, in S3."""

from aws_cdk import AssetHashType
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.constructs.job_archive import JobArchive
from stacks.job_kit import MODELS, Kit, built_kit


class JobKit(JobArchive):
    """One archive, known by its recipe."""

    def __init__(self, scope: Construct, id: str, *, kit: Kit = MODELS) -> None:
        path, digest = str(built_kit(kit)), kit.digest()
        asset = assets.AssetProps(path=path, asset_hash=digest, asset_hash_type=AssetHashType.CUSTOM)
        super().__init__(scope, id, asset=asset)
