"""Trains and serves a script as AWS's SDK (version 2) did for its examples; prints what the endpoint answers.

Run as `script_mode.py ROLE BUCKET IMAGE SCRIPT`.
"""

import io
import json
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import boto3

ROLE, BUCKET, IMAGE, SCRIPT = sys.argv[1:]
NAME = f"script-mode-{time.time_ns()}"
ROWS = "\n".join(f"{kind},{kind + 0.1 * step},{2 * kind},{step},{kind}" for kind in range(3) for step in range(5))
sagemaker, s3 = boto3.client("sagemaker"), boto3.client("s3")


def upload() -> str:
    """The URI of the archive with the script; the training data is beside it."""
    s3.put_object(Bucket=BUCKET, Key=f"{NAME}/train/iris.csv", Body=ROWS)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(SCRIPT, Path(SCRIPT).name)
    s3.put_object(Bucket=BUCKET, Key=f"{NAME}/source/sourcedir.tar.gz", Body=packed.getvalue())
    return f"s3://{BUCKET}/{NAME}/source/sourcedir.tar.gz"


def train(source: str) -> str:
    """The URI of the artifact."""
    told = {
        "max_leaf_nodes": 30,
        "sagemaker_program": Path(SCRIPT).name,
        "sagemaker_submit_directory": source,
        "sagemaker_container_log_level": 20,
        "sagemaker_job_name": NAME,
        "sagemaker_region": "us-east-1",
    }
    data = {
        "S3DataType": "S3Prefix",
        "S3Uri": f"s3://{BUCKET}/{NAME}/train",
        "S3DataDistributionType": "FullyReplicated",
    }
    sagemaker.create_training_job(
        TrainingJobName=NAME,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        RoleArn=ROLE,
        HyperParameters={name: json.dumps(value) for name, value in told.items()},
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": data}}],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/{NAME}/output"},
        ResourceConfig={"InstanceType": "ml.c4.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        StoppingCondition={"MaxRuntimeInSeconds": 86400},
    )
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    return str(sagemaker.describe_training_job(TrainingJobName=NAME)["ModelArtifacts"]["S3ModelArtifacts"])


def serve(source: str, artifact: str) -> Any:
    """The endpoint's answer to one row of each kind."""
    environment = {
        "SAGEMAKER_PROGRAM": Path(SCRIPT).name,
        "SAGEMAKER_SUBMIT_DIRECTORY": source,
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        "SAGEMAKER_REGION": "us-east-1",
    }
    container = {"Image": IMAGE, "ModelDataUrl": artifact, "Environment": environment}
    sagemaker.create_model(ModelName=NAME, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": NAME,
        "InstanceType": "ml.m4.xlarge",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=NAME, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    waiting = {"Delay": 1, "MaxAttempts": 120}
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=NAME, WaiterConfig=waiting)
    asked = json.dumps([[kind, 2 * kind, 1, kind] for kind in range(3)])
    answer = boto3.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=NAME, ContentType="application/json", Accept="application/json", Body=asked
    )
    predicted = json.loads(answer["Body"].read())
    sagemaker.delete_endpoint(EndpointName=NAME)
    return predicted


source = upload()
print(json.dumps(serve(source, train(source))))
