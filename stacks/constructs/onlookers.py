"""What people need to watch production of one model, and to bring an earlier version back: two policies to attach."""

from collections.abc import Sequence

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.machine import Machine
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.reading_rights import starting, watching


class Onlookers(Construct):
    """Owns the managed policies Reader and Rollback of a model. No state.

    A reader sees what serves, how a rollout goes and what the ledger says, and changes nothing. Who may roll back may
    besides start the rollback machine, which does what it does in its own name: production itself they may not touch.
    """

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts, rollback: Machine) -> None:
        super().__init__(scope, id)
        self._parts = parts
        self._policy("Reader", "Watches rollouts and production", [])
        self._policy("Rollback", "Brings earlier versions back", starting(parts, "rollback", rollback.arn))

    def _policy(self, id: str, does: str, more: Sequence[iam.PolicyStatement]) -> None:
        policy = iam.ManagedPolicy(
            self,
            id,
            description=f"{does} of the model {self._parts.spec.name} in stage {self._parts.stage.name}",
            statements=[*watching(self._parts), *more],
        )
        CfnOutput(self, f"{id}Policy", value=policy.managed_policy_arn)
