"""Experiment trackers are told of every run, beside the machines and never in their way."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.machine import Machine
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.triggers import Call, ended
from trimtab.names import RECORDS

_ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
_MLFLOW_ACTIONS = (
    "GetExperimentByName", "CreateExperiment", "SearchRuns", "CreateRun", "UpdateRun", "LogBatch", "LogInputs",
    "CreateRegisteredModel", "SearchModelVersions", "CreateModelVersion", "SetRegisteredModelAlias",
)  # fmt: skip


class RunTracking(Construct):
    """Owns the function ``track_run`` and the rule that calls it. No state."""

    def __init__(
        self, scope: Construct, id: str, *, parts: ModelParts, machines: list[Machine], dead_letters: DeadLetters
    ) -> None:
        super().__init__(scope, id)
        self.function = parts.function(self, "track_run", timeout_s=300)
        parts.artifacts.grant_read(self.function.role, "runs", RECORDS)
        parts.artifacts.grant_list(self.function.role)
        parts.artifacts.grant_write(self.function.role, "tracking")
        self._allow_managed(parts)
        Call(
            self,
            "Ended",
            function=self.function,
            pattern=ended(machines, *_ENDED),
            inputs={"model": parts.spec.name, "at": "$.time", "execution": "$.detail.name"},
            dead_letters=dead_letters,
        )

    def _allow_managed(self, parts: ModelParts) -> None:
        """SageMaker's managed MLflow asks for an action for each of its requests; a URL asks for none."""
        uri = parts.spec.tracking.mlflow_uri(parts.stage.name) or ""
        if uri.startswith("arn:"):
            actions = [f"sagemaker-mlflow:{name}" for name in _MLFLOW_ACTIONS]
            self.function.allow(iam.PolicyStatement(actions=actions, resources=[uri]))
