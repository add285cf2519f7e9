"""Requests for SageMaker's jobs, as several conformance tests make them."""

import json
from typing import Any

from .workshop import IMAGE, Workshop, archive

QUADRATIC = """
import json, pathlib
given = json.loads(pathlib.Path("/opt/ml/input/config/hyperparameters.json").read_text())
if given.get("fail") == "yes":
    raise SystemExit(3)
print(f"loss={(float(given['rate']) - 0.3) ** 2:.6f}")
"""


def processing(workshop: Workshop, name: str, script: str, **more: Any) -> dict[str, Any]:
    """A CreateProcessingJob request: two hosts run `script` and share the objects below NAME/rows."""

    def given(input_name: str, uri: str, **source: Any) -> dict[str, Any]:
        path = f"/opt/ml/processing/{input_name}"
        s3 = {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File", **source}
        return {"InputName": input_name, "S3Input": s3}

    rows = f"s3://{workshop.bucket}/{name}/rows/"
    target = {
        "S3Uri": f"s3://{workshop.bucket}/{name}/out",
        "LocalPath": "/opt/ml/processing/out",
        "S3UploadMode": "EndOfJob",
    }
    return {
        "ProcessingJobName": name,
        "RoleArn": workshop.role,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/run.py"]},
        "ProcessingInputs": [
            given("code", workshop.put(f"{name}/code/run.py", script)),
            given("rows", rows, S3DataDistributionType="ShardedByS3Key"),
        ],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": target}]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
        **more,
    }


def transform(workshop: Workshop, name: str, **more: Any) -> dict[str, Any]:
    """A CreateTransformJob request: a new model answers the lines of the objects below NAME/in."""
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{workshop.bucket}/{name}/in/"}}
    request = {
        "TransformJobName": name,
        "ModelName": workshop.model(version=7),
        "TransformInput": {"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {
            "S3OutputPath": f"s3://{workshop.bucket}/{name}/out",
            "AssembleWith": "Line",
            "Accept": "text/csv",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    return request | more


def tuning(workshop: Workshop, name: str, script: str = QUADRATIC, **more: Any) -> dict[str, Any]:
    """A CreateHyperParameterTuningJob request: four random searches for the rate with the least loss."""
    definition = workshop.training(name, "")
    del definition["TrainingJobName"], definition["AlgorithmSpecification"]["ContainerEntrypoint"]
    source = workshop.put(f"{name}/source.tar.gz", archive({"script.py": script}))
    static = {"sagemaker_program": '"script.py"', "sagemaker_submit_directory": json.dumps(source)}
    ranges: dict[str, Any] = {"ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0", "MaxValue": "1"}]}
    config = {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": ranges,
        "RandomSeed": 1,
    }
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": config | more,
        "TrainingJobDefinition": {**definition, "StaticHyperParameters": static},
    }


def short(workshop: Workshop, name: str) -> str:
    """A unique name that a tuning job may have."""
    return f"{name}-{workshop.account.unique('t')[-8:]}"


def children(workshop: Workshop, name: str) -> list[dict[str, Any]]:
    """The summaries of the training jobs of a tuning job."""
    found = workshop.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    rows: list[dict[str, Any]] = found["TrainingJobSummaries"]
    return rows
