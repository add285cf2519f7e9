"""What people need to have files of records scored by one model: a policy to attach."""

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.machine import Machine
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.reading_rights import allow, finding, reading_ledger, starting, through
from trimtab.names import BATCH

_ASKED = "asked"
"""As trimtab.scoring.request names it; a test holds both together."""


class Scorers(Construct):
    """Owns the managed policy Scorer of a model. No state.

    Who scores puts files into one folder, starts the batch machine and reads what it has scored. They read neither
    the model's data nor its requests, and put nothing where it would be learned from.
    """

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts, batch: Machine) -> None:
        super().__init__(scope, id)
        policy = iam.ManagedPolicy(
            self,
            "Scorer",
            description=f"Scores files with the model {parts.spec.name} in stage {parts.stage.name}",
            statements=[
                finding(parts),
                *reading_ledger(parts),
                *starting(parts, "batch", batch.arn),
                *_putting(parts),
                *_fetching(parts),
            ],
        )
        CfnOutput(self, "ScorerPolicy", value=policy.managed_policy_arn)


def _putting(parts: ModelParts) -> list[iam.PolicyStatement]:
    """Files to score, also in several parts."""
    bucket, place = parts.drops.owner, f"{parts.drops.name}/{BATCH}/{_ASKED}/*"
    return [
        allow(["s3:PutObject", "s3:AbortMultipartUpload"], [f"{bucket.arn}/{place}"]),
        through("s3", bucket.key, "kms:GenerateDataKey"),
    ]


def _fetching(parts: ModelParts) -> list[iam.PolicyStatement]:
    """Scored files, which lie apart from captured requests."""
    bucket, place = parts.captures.owner, f"{parts.captures.name}/{BATCH}/*"
    return [
        allow(["s3:GetObject", "s3:GetObjectVersion"], [f"{bucket.arn}/{place}"]),
        allow(["s3:ListBucket"], [bucket.arn], {"StringLikeIfExists": {"s3:prefix": [place]}}),
        through("s3", bucket.key),
    ]
