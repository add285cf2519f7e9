"""What a training program finds: its files below /opt/ml/input/config and its environment."""

import json
from pathlib import Path
from typing import Any

from localcloud.sagemaker.service import Record

FOLDERS = ("input/config", "input/data", "model", "output/data", "checkpoints", "code")
_HOST = "algo-1"
_SOURCE = "sagemaker_submit_directory"
_GROUP = "homogeneousCluster"


def write_configuration(record: Record, ml: Path, *, seen_as: str = "/opt/ml") -> None:
    """hyperparameters.json, inputdataconfig.json and resourceconfig.json are as AWS writes them.

    `seen_as` is the path of `ml` for the program; a source folder that the job names below /opt/ml is below it.
    """
    for folder in FOLDERS:
        (ml / folder).mkdir(parents=True, exist_ok=True)
    files = {
        "hyperparameters": {
            key: value.replace("/opt/ml", seen_as, 1) if key == _SOURCE else value
            for key, value in record["HyperParameters"].items()
        },
        "inputdataconfig": {channel["ChannelName"]: _channel(record, channel) for channel in channels(record)},
        "resourceconfig": _resources(record["ResourceConfig"].get("InstanceType", "local")),
    }
    for name, content in files.items():
        (ml / "input" / "config" / f"{name}.json").write_text(json.dumps(content))


def channels(record: Record) -> list[dict[str, Any]]:
    """The job's input channels."""
    return list(record.get("InputDataConfig", []))


def environment(record: Record, region: str) -> dict[str, str]:
    """What SageMaker itself puts into the program's environment, and the job's own Environment."""
    return {
        "TRAINING_JOB_NAME": record["TrainingJobName"],
        "TRAINING_JOB_ARN": record["TrainingJobArn"],
        "SAGEMAKER_JOB_NAME": record["TrainingJobName"],
        "SAGEMAKER_REGION": region,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        **record.get("Environment", {}),
    }


def _channel(record: Record, channel: dict[str, Any]) -> dict[str, str]:
    source = channel["DataSource"]["S3DataSource"]
    default_mode = record["AlgorithmSpecification"]["TrainingInputMode"]
    return {
        "ContentType": channel.get("ContentType", ""),
        "TrainingInputMode": channel.get("InputMode", default_mode),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }


def _resources(instance_type: str) -> dict[str, Any]:
    return {
        "current_host": _HOST,
        "current_instance_type": instance_type,
        "current_group_name": _GROUP,
        "hosts": [_HOST],
        "instance_groups": [{"instance_group_name": _GROUP, "instance_type": instance_type, "hosts": [_HOST]}],
        "network_interface_name": "lo",
    }
