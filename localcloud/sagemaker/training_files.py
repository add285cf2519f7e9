"""What a training program finds: its files below /opt/ml/input/config and its environment."""

import json
from pathlib import Path
from typing import Any

from localcloud.sagemaker.errors import UnsupportedError
from localcloud.sagemaker.service import Record

_FOLDERS = ("input/config", "input/data", "model", "output/data", "checkpoints", "code")
_SOURCE = "sagemaker_submit_directory"
_GROUP = "homogeneousCluster"


def write_configuration(record: Record, ml: Path, hosts: list[str], index: int, *, seen_as: str) -> None:
    """hyperparameters.json, inputdataconfig.json and resourceconfig.json of `hosts[index]` are as AWS writes them.

    `seen_as` is the path of `ml` for the program; a source folder that the job names below /opt/ml is below it.
    """
    for folder in _FOLDERS:
        (ml / folder).mkdir(parents=True, exist_ok=True)
    files = {
        "hyperparameters": {
            key: value.replace("/opt/ml", seen_as, 1) if key == _SOURCE else value
            for key, value in record["HyperParameters"].items()
        },
        "inputdataconfig": {channel["ChannelName"]: _channel(record, channel) for channel in channels(record)},
        "resourceconfig": _resources(record["ResourceConfig"].get("InstanceType", "local"), hosts, index),
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


def _resources(instance_type: str, hosts: list[str], index: int) -> dict[str, Any]:
    return {
        "current_host": hosts[index],
        "current_instance_type": instance_type,
        "current_group_name": _GROUP,
        "hosts": hosts,
        "instance_groups": [{"instance_group_name": _GROUP, "instance_type": instance_type, "hosts": hosts}],
        "network_interface_name": "lo",
    }


def check_channel(channel: dict[str, Any]) -> None:
    """The channel is one that can be downloaded. Raises UnsupportedError."""
    name, source = channel["ChannelName"], channel["DataSource"].get("S3DataSource")
    if source is None or source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise UnsupportedError(f"channel {name}: only S3Prefix and ManifestFile data sources")
    if channel.get("InputMode", "File") != "File":
        raise UnsupportedError(f"channel {name}: input mode {channel['InputMode']} (use File)")
    if channel.get("CompressionType", "None") != "None":
        raise UnsupportedError(f"channel {name}: CompressionType {channel['CompressionType']}")
