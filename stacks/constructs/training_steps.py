"""The functions of the training machine, each with what it may do."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.arns import arn
from stacks.asl import THIS_MOMENT, Json, again
from stacks.constructs.approving import approve_candidate
from stacks.constructs.lake_table import LakeTable
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.registering import register_candidate
from stacks.constructs.runtime_function import RuntimeFunction

RUN: Json = {"run.$": "$.lease.run"}
NOW = THIS_MOMENT
SAGEMAKER_BUSY = again(
    ("SageMaker.AmazonSageMakerException", "SageMaker.ResourceLimitExceededException"), first_s=30, attempts=6
)


class TrainingSteps:
    """The machine's functions, children of its construct; those of the search only for a model that searches."""

    def __init__(self, scope: Construct, parts: ModelParts) -> None:
        self.lease_training = parts.function(scope, "lease_training")
        self.resume_training = parts.function(scope, "resume_training")
        self.build_dataset = _build_dataset(scope, parts)
        self.judge_candidate = _judge_candidate(scope, parts)
        self.register_candidate = register_candidate(scope, parts)
        self.approve_candidate = approve_candidate(scope, parts) if parts.spec.approval.auto else None
        self.release_training = _release_training(scope, parts)
        self.search: tuple[RuntimeFunction, RuntimeFunction] | None = (
            (parts.function(scope, "plan_search"), _read_search(scope, parts)) if parts.spec.training.tuning else None
        )

    @property
    def functions(self) -> tuple[RuntimeFunction, ...]:
        return (
            self.lease_training,
            self.resume_training,
            self.build_dataset,
            *(self.search or ()),
            self.judge_candidate,
            self.register_candidate,
            *([self.approve_candidate] if self.approve_candidate else []),
            self.release_training,
        )


def _build_dataset(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads accepted drops by version, writes the dataset."""
    function = parts.function(scope, "build_dataset", columnar=True, timeout_s=900)
    parts.drops.grant_read(function.role, "data", "truth", "quarantine")
    if parts.spec.data.lake:
        LakeTable(parts.spec.data.lake).grant_read(function.role)
    parts.artifacts.grant_read(function.role, "drops", "datasets")
    parts.artifacts.grant_list(function.role)
    parts.artifacts.grant_write(function.role, "datasets")
    return function


def _read_search(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads what the search's trials have found, writes its report."""
    function = parts.function(scope, "read_search")
    # SageMaker knows no narrower resource for listing.
    listing = ["sagemaker:ListTrainingJobsForHyperParameterTuningJob"]
    function.allow(iam.PolicyStatement(actions=listing, resources=["*"]))
    parts.artifacts.grant_write(function.role, "runs")
    return function


def _judge_candidate(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads what the evaluation measured, and writes the page about it."""
    function = parts.function(scope, "judge_candidate")
    parts.artifacts.grant_read(function.role, "runs")
    parts.artifacts.grant_write(function.role, "runs")
    return function


def _release_training(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Gives the lease back, reads what the run's jobs cost, tells people about what failed or was refused."""
    function = parts.function(scope, "release_training")
    parts.notifications.grant_publish(function.role)
    for action, kind in (("DescribeTrainingJob", "training-job"), ("DescribeProcessingJob", "processing-job")):
        own = arn("sagemaker", f"{kind}/{parts.names.prefix}-*")
        function.allow(iam.PolicyStatement(actions=[f"sagemaker:{action}"], resources=[own]))
    return function
