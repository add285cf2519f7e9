"""From a request to a candidate in the registry, or to the reason why there is none."""

import json

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.arns import REGION, arn
from stacks.asl import (
    THIS_MOMENT,
    THIS_RUN,
    WHY,
    Json,
    States,
    absent,
    again,
    announce,
    call,
    choose,
    equals,
    fail,
    machine,
    record_failure,
    remember,
    service,
    succeed,
)
from stacks.constructs.machine import Machine, may_announce
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.registering import register_candidate
from stacks.constructs.runtime_function import RuntimeFunction
from trimtab.authoring.bundle import EVALUATE_COMMAND, METRIC_DEFINITIONS, TRAINING_ENVIRONMENT
from trimtab.contracts import TRAINING_REQUESTED

_RUN = {"run.$": "$.lease.run"}
_NOW = THIS_MOMENT | _RUN
_SAGEMAKER_BUSY = again(
    ("SageMaker.AmazonSageMakerException", "SageMaker.ResourceLimitExceededException"), first_s=30, attempts=6
)
_PROVISIONING_S = 3600
"""Seconds that SageMaker may need before and after a job's own time."""
_EVALUATION_S = 3600
_PROCESSING = "/opt/ml/processing"


class TrainingMachine(Construct):
    """Owns the machine ``training`` and its five functions. No state."""

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts) -> None:
        super().__init__(scope, id)
        self._parts = parts
        self.lease_training = parts.function(self, "lease_training")
        self.build_dataset = _build_dataset(self, parts)
        self.judge_candidate = _judge_candidate(self, parts)
        self.register_candidate = register_candidate(self, parts)
        self.release_training = _release_training(self, parts)
        self.functions = (
            self.lease_training,
            self.build_dataset,
            self.judge_candidate,
            self.register_candidate,
            self.release_training,
        )
        self.machine = Machine(
            self,
            "Training",
            name=parts.names.machine("training"),
            definition=self._definition(),
            invokes=(*self.functions, parts.record_failure),
            key=parts.operations_key,
            stage=parts.stage,
        )
        self.machine.allow(may_announce(TRAINING_REQUESTED))
        self._allow_jobs()

    def _definition(self) -> Json:
        states = (
            self._beginning()
            | self._making()
            | self._judging()
            | _outcomes()
            | self._ending()
            | record_failure(self._parts.record_failure, "training")
        )
        seconds = self._training_s() + _EVALUATION_S + 3 * _PROVISIONING_S
        return machine("A candidate is trained, judged and registered.", "LeaseTraining", states, timeout_s=seconds)

    def _training_s(self) -> int:
        return self._parts.spec.training.max_runtime_minutes * 60

    def _beginning(self) -> States:
        # The whole input, because a person who starts the machine by hand may leave fields out.
        request = {"request.$": "$"}
        return {
            "LeaseTraining": call(
                self.lease_training, THIS_RUN | request, result="$.lease", then="IsGranted", on_error="RecordFailure"
            ),
            "IsGranted": choose(equals("$.lease.granted", True, "BuildDataset"), otherwise="Queued"),
            "Queued": succeed("Another training runs; this request waits in the ledger."),
            "BuildDataset": call(
                self.build_dataset, THIS_RUN | _RUN, result="$.dataset", then="IsReady", on_error="NoteFailure"
            ),
            "IsReady": choose(equals("$.dataset.ready", True, "Train"), otherwise="NoteNotReady"),
        }

    def _making(self) -> States:
        evaluated = {"then": "JudgeCandidate", "on_error": "NoteFailure"}
        return {
            "Train": service(
                "sagemaker:createTrainingJob.sync",
                self._training_job(),
                result="$.training",
                selector={"artifact_uri.$": "$.ModelArtifacts.S3ModelArtifacts"},
                then="HasChampion",
                on_error="NoteFailure",
                retries=[_SAGEMAKER_BUSY],
                timeout_s=self._training_s() + _PROVISIONING_S,
            ),
            "HasChampion": choose(absent("$.dataset.champion", "EvaluateAlone"), otherwise="EvaluateWithChampion"),
            "EvaluateAlone": self._evaluate(**evaluated, champion=[]),
            "EvaluateWithChampion": self._evaluate(
                **evaluated, champion=[_input("champion", {"S3Uri.$": "$.dataset.champion.artifact_uri"})]
            ),
        }

    def _evaluate(self, *, champion: list[Json], then: str, on_error: str) -> Json:
        return service(
            "sagemaker:createProcessingJob.sync",
            self._processing_job(champion),
            result="$.evaluation",
            selector={"status.$": "$.ProcessingJobStatus"},
            then=then,
            on_error=on_error,
            retries=[_SAGEMAKER_BUSY],
            timeout_s=_EVALUATION_S + _PROVISIONING_S,
        )

    def _judging(self) -> States:
        judged = _NOW | {"dataset.$": "$.dataset"}
        return {
            "JudgeCandidate": call(
                self.judge_candidate, judged, result="$.judgement", then="HasPassed", on_error="NoteFailure"
            ),
            "HasPassed": choose(equals("$.judgement.passed", True, "RegisterCandidate"), otherwise="NoteRefused"),
            "RegisterCandidate": call(
                self.register_candidate,
                judged | {"judgement.$": "$.judgement", "requested_by.$": "$.lease.requested_by"},
                result="$.candidate",
                then="NoteRegistered",
                on_error="NoteFailure",
            ),
        }

    def _ending(self) -> States:
        ended = {"fence.$": "$.lease.fence", "outcome.$": "$.end.outcome", "reason.$": "$.end.reason"}
        asked = {f"{field}.$": f"$.released.next.{field}" for field in ("reason", "cause", "requested_by")}
        waiting = {"model.$": "$.model", "at.$": "$$.State.EnteredTime"} | asked
        return {
            "ReleaseTraining": call(
                self.release_training, _NOW | ended, result="$.released", then="IsNextWaiting", on_error="RecordFailure"
            ),
            "IsNextWaiting": choose(absent("$.released.next", "Outcome"), otherwise="RequestTraining"),
            "RequestTraining": announce(TRAINING_REQUESTED, waiting, then="Outcome", on_error="RecordFailure"),
            "Outcome": choose(
                equals("$.end.outcome", "Registered", "Registered"),
                equals("$.end.outcome", "Refused", "Refused"),
                equals("$.end.outcome", "NotReady", "NotReady"),
                otherwise="TrainingFailed",
            ),
            "Registered": succeed("The candidate waits for a person's approval."),
            "Refused": succeed("A gate refused the candidate; the champion stays."),
            "NotReady": succeed("The data do not make a training set yet."),
            "TrainingFailed": fail("TrainingFailed", "$.end.reason"),
        }

    def _training_job(self) -> Json:
        parts, training = self._parts, self._parts.spec.training
        key = parts.artifacts.owner.key.arn
        return {
            "TrainingJobName.$": "$.lease.run",
            "AlgorithmSpecification": {
                "TrainingImage": parts.image.uri,
                "TrainingInputMode": "File",
                "MetricDefinitions": list(METRIC_DEFINITIONS),
            },
            "RoleArn": parts.execution_role.arn,
            "HyperParameters": self._hyperparameters(),
            "Environment": TRAINING_ENVIRONMENT,
            "InputDataConfig": [
                _channel("train", {"S3Uri.$": "$.dataset.train_uri"}),
                _channel("code", {"S3Uri": parts.bundle.uri}),
            ],
            "OutputDataConfig": {"S3OutputPath": parts.artifacts.uri("runs"), "KmsKeyId": key},
            "ResourceConfig": {
                "InstanceType": training.instance_type,
                "InstanceCount": training.instance_count,
                "VolumeSizeInGB": training.volume_gb,
                "VolumeKmsKeyId": key,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": self._training_s()},
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": True,
        }

    def _hyperparameters(self) -> dict[str, str]:
        """The author's values, and where the training toolkit finds the script: JSON texts, as the toolkit reads."""
        training, bundle = self._parts.spec.training, self._parts.bundle
        values = {name: json.dumps(value) for name, value in sorted(training.hyperparameters.items())}
        return values | {
            "sagemaker_program": json.dumps(training.entry_point),
            "sagemaker_submit_directory": f'"/opt/ml/input/data/code/{bundle.file_name}"',
            "sagemaker_region": f'"{REGION}"',
        }

    def _processing_job(self, champion: list[Json]) -> Json:
        parts, training = self._parts, self._parts.spec.training
        key = parts.artifacts.owner.key.arn
        output = f"States.Format('{parts.artifacts.uri('runs')}/{{}}/evaluation', $.lease.run)"
        return {
            "ProcessingJobName.$": f"States.Format('{parts.names.evaluation_job('{}')}', $.lease.run)",
            "AppSpecification": {"ImageUri": parts.image.uri, "ContainerEntrypoint": list(EVALUATE_COMMAND)},
            "RoleArn": parts.execution_role.arn,
            "ProcessingInputs": [
                _input("code", {"S3Uri": parts.bundle.uri}),
                _input("candidate", {"S3Uri.$": "$.training.artifact_uri"}),
                *champion,
                _input("holdout", {"S3Uri.$": "$.dataset.holdout_uri"}),
                _input("train", {"S3Uri.$": "$.dataset.train_uri"}),
            ],
            "ProcessingOutputConfig": {"Outputs": [_output("evaluation", {"S3Uri.$": output})], "KmsKeyId": key},
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": training.instance_type,
                    "InstanceCount": 1,
                    "VolumeSizeInGB": training.volume_gb,
                    "VolumeKmsKeyId": key,
                }
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": _EVALUATION_S},
            "NetworkConfig": {"EnableNetworkIsolation": True, "EnableInterContainerTrafficEncryption": True},
        }

    def _allow_jobs(self) -> None:
        """The machine may start, watch and stop the model's own jobs."""
        parts = self._parts
        for kind, job in (("Training", "training-job"), ("Processing", "processing-job")):
            actions = [f"sagemaker:{verb}{kind}Job" for verb in ("Create", "Describe", "Stop")]
            actions += ["sagemaker:AddTags", "sagemaker:ListTags"]
            jobs = arn("sagemaker", f"{job}/{parts.names.prefix}-*")
            rule = arn("events", f"rule/StepFunctionsGetEventsForSageMaker{kind}JobsRule")
            watching = ["events:PutRule", "events:PutTargets", "events:DescribeRule"]
            self.machine.allow(
                iam.PolicyStatement(actions=actions, resources=[jobs]),
                iam.PolicyStatement(actions=watching, resources=[rule]),
            )
        parts.execution_role.grant_pass(self.machine.role)


def _outcomes() -> States:
    """How the training ended, in a form that does not depend on where it ended."""
    reasons: States = {
        "NoteRegistered": {"outcome": "Registered", "reason": "all gates passed"},
        "NoteRefused": {"outcome": "Refused", "reason.$": "$.judgement.outcome"},
        "NoteNotReady": {"outcome": "NotReady", "reason.$": "$.dataset.reason"},
        "NoteFailure": {"outcome": "Failed", "reason.$": WHY},
    }
    return {name: remember(values, at="$.end", then="ReleaseTraining") for name, values in reasons.items()}


def _channel(name: str, uri: Json) -> Json:
    source = {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated"} | uri
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def _input(name: str, uri: Json) -> Json:
    source = {
        "LocalPath": f"{_PROCESSING}/{name}",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"InputName": name, "S3Input": source | uri}


def _output(name: str, uri: Json) -> Json:
    target = {"LocalPath": f"{_PROCESSING}/{name}", "S3UploadMode": "EndOfJob"}
    return {"OutputName": name, "S3Output": target | uri}


def _build_dataset(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads accepted drops by version, writes the dataset."""
    function = parts.function(scope, "build_dataset", columnar=True, timeout_s=900)
    parts.drops.grant_read(function.role, "data", "truth", "quarantine")
    parts.artifacts.grant_read(function.role, "drops")
    parts.artifacts.grant_write(function.role, "datasets")
    return function


def _judge_candidate(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads what the evaluation measured."""
    function = parts.function(scope, "judge_candidate")
    parts.artifacts.grant_read(function.role, "runs")
    return function


def _release_training(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Gives the lease back and tells people about what failed or was refused."""
    function = parts.function(scope, "release_training")
    parts.notifications.grant_publish(function.role)
    return function
