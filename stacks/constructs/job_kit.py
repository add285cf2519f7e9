"""Packages that jobs need and AWS's images lack, in S3."""

from aws_cdk import AssetHashType
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.constructs.job_archive import JobArchive
from stacks.job_kit import built_kit, kit_digest


class JobKit(JobArchive):
    """One archive, known by its recipe."""

    def __init__(self, scope: Construct, id: str) -> None:
        asset = assets.AssetProps(path=str(built_kit()), asset_hash=kit_digest(), asset_hash_type=AssetHashType.CUSTOM)
        super().__init__(scope, id, asset=asset)
