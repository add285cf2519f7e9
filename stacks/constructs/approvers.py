"""What people need to approve versions of one model, and nothing else: two policies to attach to their roles."""

from collections.abc import Sequence

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.arns import arn
from stacks.constructs.machine import Machine
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.reading_rights import starting, watching

_SKIP = "sagemaker:CustomerMetadataProperties/trimtab-skip"
"""As trimtab.rollout.votes names it; a test holds both together."""
_SUBMITTER = "sagemaker:CustomerMetadataProperties/submitted-by"
_TURNING = ("Approved", "Rejected", "PendingManualApproval")


class Approvers(Construct):
    """Owns the managed policies Approver and EmergencyApprover of a model. No state.

    An approver sees what a reader sees, turns the status of the model's versions, lets a rollout go on that waits at a
    manual gate, and retraining that has given up, and says what windows are held against. They may not register
    versions of it nor touch its endpoints: whoever submits does not approve, and who approves does not deploy. Only an
    emergency approver may skip checks.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        parts: ModelParts,
        release: Machine | None,
        reconsidering: Machine,
    ) -> None:
        super().__init__(scope, id)
        self._parts, self._release, self._reconsidering = parts, release, reconsidering
        self._group = parts.names.package_group
        self._policy("Approver", "Approves and rejects versions", [self._never(_SKIP)])
        self._policy("EmergencyApprover", "Approves versions, also without staging tests and gates", [])

    def _policy(self, id: str, does: str, more: Sequence[iam.PolicyStatement]) -> None:
        policy = iam.ManagedPolicy(
            self,
            id,
            description=f"{does} of the model {self._parts.spec.name} in stage {self._parts.stage.name}",
            statements=[
                *watching(self._parts),
                self._turning(),
                self._resuming(),
                *self._releasing(),
                *starting(self._parts, "baseline", self._reconsidering.arn),
                self._never(_SUBMITTER),
                self._not_its_work(),
                *more,
            ],
        )
        CfnOutput(self, f"{id}Policy", value=policy.managed_policy_arn)

    def _turning(self) -> iam.PolicyStatement:
        """Only a request that turns the status; without one it may change nothing."""
        return iam.PolicyStatement(
            actions=["sagemaker:UpdateModelPackage"],
            resources=[self._versions],
            conditions={"StringEquals": {"sagemaker:ModelApprovalStatus": list(_TURNING)}},
        )

    def _resuming(self) -> iam.PolicyStatement:
        """``trimtab retraining resume``: the machine decides, in its own name, whether anything is trained."""
        recovery = arn("states", f"stateMachine:{self._parts.names.machine('recovery')}")
        return iam.PolicyStatement(actions=["states:StartExecution"], resources=[recovery])

    def _releasing(self) -> list[iam.PolicyStatement]:
        """``trimtab rollout release``, where a rollout has manual gates."""
        return starting(self._parts, "release", self._release.arn) if self._release else []

    def _never(self, key: str) -> iam.PolicyStatement:
        """No request that sets this property of a version."""
        return iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=["sagemaker:UpdateModelPackage"],
            resources=[self._versions],
            conditions={"Null": {key: "false"}},
        )

    def _not_its_work(self) -> iam.PolicyStatement:
        endpoints = (self._parts.names.endpoint, self._parts.names.staging_endpoint)
        return iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=[
                "sagemaker:CreateModelPackage",
                "sagemaker:DeleteModelPackage",
                "sagemaker:CreateEndpoint",
                "sagemaker:UpdateEndpoint",
                "sagemaker:UpdateEndpointWeightsAndCapacities",
                "sagemaker:DeleteEndpoint",
            ],
            resources=[self._versions, *(arn("sagemaker", f"endpoint/{endpoint}") for endpoint in endpoints)],
        )

    @property
    def _versions(self) -> str:
        return arn("sagemaker", f"model-package/{self._group}/*")
