"""How a person says what windows of the serving version are held against."""

from aws_cdk import CfnOutput
from constructs import Construct

from stacks.constructs.model_parts import ModelParts


class BaselineReconsidering(Construct):
    """Owns the function ``reconsider_baseline``, which only people call: those with an approver's policy. No state."""

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts) -> None:
        super().__init__(scope, id)
        self.function = parts.function(self, "reconsider_baseline")
        parts.captures.grant_read(self.function.role, "windows")
        parts.artifacts.grant_write(self.function.role, "baselines")
        parts.notifications.grant_publish(self.function.role)
        CfnOutput(scope, "ReconsiderBaseline", value=self.function.arn)
