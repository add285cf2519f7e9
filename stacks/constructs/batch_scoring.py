"""Files of records are scored by the version that serves, by batch transform."""

import json

from aws_cdk import aws_events as events
from constructs import Construct

from stacks.asl import THIS_MOMENT, Json, States, call, choose, equals, machine, poll, record_failure, service, succeed
from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.job_role import JobRole
from stacks.constructs.machine import Machine, may_run_jobs
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.runtime_function import RuntimeFunction
from stacks.constructs.training_steps import SAGEMAKER_BUSY
from stacks.constructs.triggers import Schedule, Trigger
from trimtab.errors import LedgerConflict
from trimtab.names import BATCH
from trimtab.spec.batch import BatchSpec

_JSON_LINES = "application/jsonlines"
_PROVISIONING_S = 1800
"""Seconds that SageMaker may need before and after a job's own time."""
_ASKED = ("cause", "source", "version", "by")


class BatchScoring(Construct):
    """Owns the machine ``batch``, its two functions, the job's role, and what starts it. No state."""

    def __init__(
        self, scope: Construct, id: str, *, parts: ModelParts, batch: BatchSpec, dead_letters: DeadLetters
    ) -> None:
        super().__init__(scope, id)
        self._parts, self._batch = parts, batch
        self.role = self._role()
        self.plan_batch, self.finish_batch = self._plan_batch(), self._finish_batch()
        self.machine = Machine(
            self,
            "Batch",
            name=parts.names.machine("batch"),
            definition=self._definition(),
            invokes=(self.plan_batch, self.finish_batch, parts.record_failure),
            key=parts.operations_key,
            stage=parts.stage,
        )
        self.machine.allow(*may_run_jobs("TransformJob", "transform-job", f"{parts.names.prefix}-batch-*"))
        self._start(dead_letters)

    def _role(self) -> JobRole:
        """Reads models, records and manifests, and writes scored records: nothing else of the model's."""
        parts = self._parts
        # The role is a model's, and so trusted whatever acts with the model.
        made = JobRole(self, "Execution", runs="*")
        made.pull(parts.image)
        parts.artifacts.grant_read(made.role, "runs")
        parts.artifacts.owner.key.grant_volumes(made.role)
        parts.temporary.grant_read(made.role, BATCH)
        parts.drops.grant_read(made.role, BATCH)
        parts.captures.grant_write(made.role, BATCH)
        return made

    def _plan_batch(self) -> RuntimeFunction:
        """Lists records, writes the manifest, and makes SageMaker's model of the version."""
        parts = self._parts
        function = parts.function(self, "plan_batch", timeout_s=120)
        parts.drops.grant_read(function.role, BATCH)
        parts.drops.grant_list(function.role)
        parts.temporary.grant_read(function.role, BATCH)
        parts.temporary.grant_write(function.role, BATCH)
        parts.allow_serving(function, "sagemaker:CreateModel")
        self.role.grant_pass(function.role)
        parts.notifications.grant_publish(function.role)
        return function

    def _finish_batch(self) -> RuntimeFunction:
        """Reads what was scored, and lays a sample beside captured requests."""
        function = self._parts.function(self, "finish_batch", timeout_s=900)
        captures = self._parts.captures
        captures.grant_read(function.role, BATCH)
        captures.grant_list(function.role)
        captures.grant_write(function.role, "capture")
        return function

    def _definition(self) -> Json:
        longest = 60 * self._batch.max_runtime_minutes + _PROVISIONING_S
        states = self._planning() | self._scoring(longest) | record_failure(self._parts.record_failure, "batch")
        return machine("Files of records are scored.", "PlanBatch", states, timeout_s=longest + 3600)

    def _planning(self) -> States:
        asked = {f"{name}.$": f"$.{name}" for name in _ASKED}
        return {
            "PlanBatch": call(
                self.plan_batch,
                THIS_MOMENT | asked | {"role_arn": self.role.arn},
                result="$.plan",
                then="IsPlanned",
                on_error="RecordFailure",
                retries=[poll(LedgerConflict.__name__, every_s=10, for_s=600)],
            ),
            "IsPlanned": choose(
                equals("$.plan.outcome", "Planned", "ScoreBatch"),
                equals("$.plan.outcome", "Nothing", "Nothing"),
                otherwise="Refused",
            ),
            "Nothing": succeed("There was nothing new to score."),
            "Refused": succeed("What was asked for cannot be scored; ledger and message say why."),
        }

    def _scoring(self, longest_s: int) -> States:
        return {
            "ScoreBatch": service(
                "sagemaker:createTransformJob.sync",
                self._job(),
                result="$.scored",
                selector={"arn.$": "$.TransformJobArn"},
                then="FinishBatch",
                on_error="RecordFailure",
                retries=[SAGEMAKER_BUSY],
                timeout_s=longest_s,
            ),
            "FinishBatch": call(
                self.finish_batch,
                THIS_MOMENT | {"plan.$": "$.plan", "job_arn.$": "$.scored.arn"},
                result="$.finished",
                then="Scored",
                on_error="RecordFailure",
            ),
            "Scored": succeed("Every record has its answer beside it."),
        }

    def _job(self) -> Json:
        """CreateTransformJob: line by line in, line by line out, each answer joined with its record."""
        batch = self._batch
        source = {"S3DataType": "ManifestFile", "S3Uri.$": "$.plan.manifest_uri"}
        return {
            "TransformJobName.$": "$.plan.job",
            "ModelName.$": "$.plan.model",
            "BatchStrategy": "MultiRecord",
            "MaxPayloadInMB": batch.payload_mb,
            "MaxConcurrentTransforms": batch.concurrency,
            "TransformInput": {
                "DataSource": {"S3DataSource": source},
                "ContentType": _JSON_LINES,
                "SplitType": "Line",
            },
            "TransformOutput": {
                "S3OutputPath.$": "$.plan.output_uri",
                "Accept": _JSON_LINES,
                "AssembleWith": "Line",
                "KmsKeyId": self._parts.captures.owner.key.arn,
            },
            "TransformResources": {
                "InstanceType": batch.instance_type,
                "InstanceCount": batch.instance_count,
                "VolumeKmsKeyId": self._parts.artifacts.owner.key.arn,
            },
            "DataProcessing": {"JoinSource": "Input"},
        }

    def _start(self, dead_letters: DeadLetters) -> None:
        """By the schedule, or for each object that comes; people start the machine itself."""
        told: dict[str, str | int] = {"model": self._parts.spec.name, "version": 0, "by": ""}
        if self._batch.schedule:
            Schedule(
                self,
                "Due",
                machine=self.machine,
                expression=self._batch.schedule,
                inputs=json.dumps(told | {"cause": "schedule", "source": ""}),
                dead_letters=dead_letters,
            )
            return
        drops = self._parts.drops
        pattern = events.EventPattern(
            source=["aws.s3"],
            detail_type=["Object Created"],
            detail={
                "bucket": {"name": [drops.owner.bucket.bucket_name]},
                "object": {"key": [{"prefix": f"{drops.name}/{BATCH}/incoming/"}]},
            },
        )
        Trigger(
            self,
            "Arrived",
            machine=self.machine,
            pattern=pattern,
            inputs={name: str(value) for name, value in told.items()}
            | {"cause": "arrival", "source": "$.detail.object.key"},
            dead_letters=dead_letters,
            stage=self._parts.stage,
        )
