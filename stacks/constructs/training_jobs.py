"""What SageMaker is asked to run for a training: the job that makes a candidate, and the one that evaluates it."""

import json
from typing import Any

from stacks.arns import REGION
from stacks.asl import Json
from stacks.constructs.model_parts import ModelParts
from trimtab.authoring.bundle import EVALUATE_COMMAND, METRIC_DEFINITIONS, TRAINING_ENVIRONMENT
from trimtab.authoring.checkpoints import CHECKPOINTS, VARIABLE
from trimtab.authoring.names import PROGRAM
from trimtab.spec.tuning import Scalar

EVALUATION_S = 3600
_PROCESSING = "/opt/ml/processing"


class TrainingJobs:
    """Requests for SageMaker, as parameters of a state; what differs between runs is read from the state's data."""

    def __init__(self, parts: ModelParts) -> None:
        self._parts = parts
        self._training = parts.spec.training
        self._key = parts.artifacts.owner.key.arn

    def candidate(self, found: tuple[str, ...] = ()) -> Json:
        """CreateTrainingJob; the hyperparameters named in ``found`` are those that the search has found."""
        values = {f"{name}.$": f"$.search.best.{name}" for name in found}
        return {
            "TrainingJobName.$": "$.lease.job",
            "HyperParameters": self.hyperparameters(without=found) | values,
            "Environment": TRAINING_ENVIRONMENT | ({VARIABLE: CHECKPOINTS} if self._training.spot else {}),
            **self._common(),
            "InputDataConfig": [*self._channels(), *self._channels_of_candidate()],
            "OutputDataConfig": self._output("runs"),
            "StoppingCondition": self._stopping(),
            **self._checkpoints(),
        }

    def trial(self, environment: Json) -> Json:
        """TrainingJobDefinition of a search: the same job on less time, which stores no model."""
        tuned = tuple(self._training.tuning.ranges) if self._training.tuning else ()
        return {
            "StaticHyperParameters": self.hyperparameters(without=tuned),
            "Environment": TRAINING_ENVIRONMENT | environment,
            **self._common(),
            "OutputDataConfig": self._output("runs/search"),
            "StoppingCondition": self._stopping(self._training.trial_minutes),
        }

    def evaluation(self, champion: list[Json]) -> Json:
        """CreateProcessingJob; ``champion`` holds the input with the model that serves, if one does."""
        parts = self._parts
        output = f"States.Format('{parts.artifacts.uri('runs')}/{{}}/evaluation', $.lease.run)"
        return {
            "ProcessingJobName.$": f"States.Format('{parts.names.evaluation_job('{}')}', $.lease.job)",
            "AppSpecification": {"ImageUri": parts.image.uri, "ContainerEntrypoint": list(EVALUATE_COMMAND)},
            "RoleArn": parts.execution_role.arn,
            "ProcessingInputs": [
                input_of("code", {"S3Uri": parts.bundle.uri}),
                input_of("candidate", {"S3Uri.$": "$.training.artifact_uri"}),
                *champion,
                input_of("holdout", {"S3Uri.$": "$.dataset.holdout_uri"}),
                input_of("train", {"S3Uri.$": "$.dataset.train_uri"}),
            ],
            "ProcessingOutputConfig": {
                "Outputs": [output_of("evaluation", {"S3Uri.$": output})],
                "KmsKeyId": self._key,
            },
            "ProcessingResources": {"ClusterConfig": self._machines(count=1)},
            "StoppingCondition": {"MaxRuntimeInSeconds": EVALUATION_S},
            "NetworkConfig": {"EnableNetworkIsolation": True, "EnableInterContainerTrafficEncryption": True},
        }

    def hyperparameters(self, without: tuple[str, ...] = ()) -> dict[str, str]:
        """The author's values, and where the training toolkit finds the script: JSON texts, as the toolkit reads."""
        own = self._training.hyperparameters.items()
        values = {name: as_text(value) for name, value in sorted(own) if name not in without}
        return values | {
            "sagemaker_program": json.dumps(PROGRAM),
            "sagemaker_submit_directory": f'"/opt/ml/input/data/code/{self._parts.bundle.file_name}"',
            "sagemaker_region": f'"{REGION}"',
        }

    def _common(self) -> Json:
        """What a candidate and a trial have in common."""
        return {
            "AlgorithmSpecification": {
                "TrainingImage": self._parts.image.uri,
                "TrainingInputMode": "File",
                "MetricDefinitions": list(METRIC_DEFINITIONS),
            },
            "RoleArn": self._parts.execution_role.arn,
            "InputDataConfig": self._channels(),
            "ResourceConfig": self._machines(self._training.instance_count),
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": True,
            **({"EnableManagedSpotTraining": True} if self._training.spot else {}),
        }

    def _channels(self) -> list[Json]:
        return [
            _channel("train", {"S3Uri.$": "$.dataset.train_uri"}),
            _channel("code", {"S3Uri": self._parts.bundle.uri}),
        ]

    def _channels_of_candidate(self) -> list[Json]:
        """What it takes to store a model that is served, and to say afterwards what it makes of the hold-out."""
        return [
            _channel("holdout_features", {"S3Uri.$": "$.dataset.holdout_features_uri"}),
            _channel("kit", {"S3Uri": self._parts.kit.uri}),
        ]

    def _machines(self, count: int) -> Json:
        return {
            "InstanceType": self._training.instance_type,
            "InstanceCount": count,
            "VolumeSizeInGB": self._training.volume_gb,
            "VolumeKmsKeyId": self._key,
        }

    def _output(self, folder: str) -> Json:
        return {"S3OutputPath": self._parts.artifacts.uri(folder), "KmsKeyId": self._key}

    def _stopping(self, minutes: int | None = None) -> Json:
        longest = minutes or self._training.max_runtime_minutes
        waiting = self._training.wait_minutes - self._training.max_runtime_minutes
        spot = {"MaxWaitTimeInSeconds": 60 * (longest + waiting)} if self._training.spot else {}
        return {"MaxRuntimeInSeconds": 60 * longest} | spot

    def _checkpoints(self) -> Json:
        """On spot: kept by run, so that a resumed run finds them too."""
        if not self._training.spot:
            return {}
        uri = f"States.Format('{self._parts.artifacts.uri('runs')}/{{}}/checkpoints', $.lease.run)"
        return {"CheckpointConfig": {"S3Uri.$": uri, "LocalPath": CHECKPOINTS}}


def as_text(value: Scalar) -> str:
    """A hyperparameter as the training toolkit reads it."""
    return json.dumps(value)


def input_of(name: str, uri: Json) -> Json:
    """A ProcessingInput below /opt/ml/processing."""
    source: dict[str, Any] = {
        "LocalPath": f"{_PROCESSING}/{name}",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"InputName": name, "S3Input": source | uri}


def _channel(name: str, uri: Json) -> Json:
    source = {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated"} | uri
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def output_of(name: str, uri: Json) -> Json:
    """A ProcessingOutput below /opt/ml/processing, uploaded when the job has ended."""
    target = {"LocalPath": f"{_PROCESSING}/{name}", "S3UploadMode": "EndOfJob"}
    return {"OutputName": name, "S3Output": target | uri}
