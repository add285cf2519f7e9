"""Processing jobs: executed by the container contract of /opt/ml/processing, on one host or several."""

import json
from pathlib import Path
from typing import Any

from localcloud.sagemaker import jobs
from localcloud.sagemaker.containers import Container, host_names
from localcloud.sagemaker.errors import JobFailedError, UnsupportedError, ValidationError
from localcloud.sagemaker.images import find_image
from localcloud.sagemaker.jobs import Job, algorithm_failure
from localcloud.sagemaker.quotas import PROCESSING, Usage, quota
from localcloud.sagemaker.service import Record, Region, Request, public
from localcloud.sagemaker.transfer import Transfer

_ROOT = "/opt/ml/processing"
_EXIT_MESSAGE_LENGTH = 1024


class ProcessingJob(Job):
    """One processing job."""

    kind = "ProcessingJob"
    segment = "processing-job"
    event = "SageMaker Processing Job State Change"
    members = frozenset(
        {
            "ProcessingJobName", "ProcessingInputs", "ProcessingOutputConfig", "ProcessingResources",
            "StoppingCondition", "AppSpecification", "Environment", "NetworkConfig", "RoleArn", "Tags",
            "ExperimentConfig",
        }
    )  # fmt: skip
    summary = (
        "ProcessingJobName", "ProcessingJobArn", "CreationTime", "ProcessingEndTime", "LastModifiedTime",
        "ProcessingJobStatus", "FailureReason", "ExitMessage",
    )  # fmt: skip

    @classmethod
    def check(cls, region: Region, request: Request) -> None:
        """Only what can run here is accepted."""
        if not region.cloud.processes.namespaces:
            raise UnsupportedError("processing jobs on a host without unprivileged user namespaces")
        if "ContainerEntrypoint" not in request["AppSpecification"]:
            raise UnsupportedError("a processing job without ContainerEntrypoint")
        for each in request.get("ProcessingInputs", []):
            _check_input(each)
        for each in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
            _check_output(each)
        find_image(region.cloud, request["AppSpecification"]["ImageUri"])

    @classmethod
    def usage_of(cls, request: Request) -> Usage:
        """The cluster's instances."""
        cluster = request["ProcessingResources"]["ClusterConfig"]
        return Usage({quota(cluster["InstanceType"], PROCESSING): int(cluster["InstanceCount"])})

    def run(self) -> None:
        """The job has gone from its downloads to its end."""
        transfer = self.transfer()
        hosts = host_names(self.record["ProcessingResources"]["ClusterConfig"]["InstanceCount"])
        workspace = self.workspace(len(hosts))
        for index, host in enumerate(hosts):
            self._download(transfer, workspace / host, (index, len(hosts)))
            self._write_configuration(workspace / host, hosts, index)
        if not self.stopped_as:
            self._process_data(workspace, hosts)
        for host in hosts if not self.stopped_as else []:
            for output in _outputs(self.record):
                folder = _host_path(workspace / host, output["LocalPath"])
                transfer.upload_folder(folder, output["S3Uri"], self._kms_key)
        self.change("Stopped" if self.stopped_as else "Completed")

    @property
    def _kms_key(self) -> str | None:
        key: str | None = self.record.get("ProcessingOutputConfig", {}).get("KmsKeyId")
        return key

    def _download(self, transfer: Transfer, ml: Path, host: tuple[int, int]) -> None:
        for source in _inputs(self.record):
            transfer.download_source(source, _host_path(ml, source["LocalPath"]), host)
        for output in _outputs(self.record):
            _host_path(ml, output["LocalPath"]).mkdir(parents=True, exist_ok=True)
        (ml / "output").mkdir(exist_ok=True)

    def _write_configuration(self, ml: Path, hosts: list[str], index: int) -> None:
        (ml / "config").mkdir()
        resources = {"current_host": hosts[index], "hosts": hosts, "network_interface_name": "lo"}
        (ml / "config" / "resourceconfig.json").write_text(json.dumps(resources))
        (ml / "config" / "processingjobconfig.json").write_text(json.dumps(public(self.record), default=str))

    def _process_data(self, workspace: Path, hosts: list[str]) -> None:
        self.record["ProcessingStartTime"] = self.region.now()
        status = self.run_program(self._container(workspace))
        messages = [path for host in hosts if (path := workspace / host / "output" / "message").is_file()]
        if messages:
            self.record["ExitMessage"] = messages[0].read_text(errors="replace")[:_EXIT_MESSAGE_LENGTH]
        if self.stopped_as == "MaxRuntimeExceeded":
            raise JobFailedError(
                f"ClientError: Maximum runtime of {self.max_runtime_seconds} seconds (MaxRuntimeInSeconds) was exceeded"
            )
        if status != 0 and not self.stopped_as:
            raise JobFailedError(algorithm_failure(status, ""))

    def _container(self, workspace: Path) -> Container:
        application = self.record["AppSpecification"]
        isolated = self.record.get("NetworkConfig", {}).get("EnableNetworkIsolation", False)
        return Container(
            image=find_image(self.region.cloud, application["ImageUri"]),
            workspace=workspace,
            argv=[*application["ContainerEntrypoint"], *application.get("ContainerArguments", [])],
            environment={**self.environment(isolated), **self.record.get("Environment", {})},
            isolated=isolated,
        )


def _inputs(record: Record) -> list[dict[str, Any]]:
    return [each["S3Input"] for each in record.get("ProcessingInputs", [])]


def _outputs(record: Record) -> list[dict[str, Any]]:
    return [each["S3Output"] for each in record.get("ProcessingOutputConfig", {}).get("Outputs", [])]


def _host_path(ml: Path, local_path: str) -> Path:
    return ml / Path(local_path).relative_to("/opt/ml")


def _check_input(given: dict[str, Any]) -> None:
    source = given.get("S3Input")
    if source is None or source.get("S3InputMode", "File") != "File":
        raise UnsupportedError(f"processing input {given['InputName']}: only S3Input in File mode")
    if source.get("S3CompressionType", "None") != "None":
        raise UnsupportedError(f"processing input {given['InputName']}: S3CompressionType Gzip")
    _require_local_path(source, given["InputName"])


def _check_output(given: dict[str, Any]) -> None:
    target = given.get("S3Output")
    if target is None or target["S3UploadMode"] != "EndOfJob":
        raise UnsupportedError(f"processing output {given['OutputName']}: only S3Output with EndOfJob")
    _require_local_path(target, given["OutputName"])


def _require_local_path(place: dict[str, Any], name: str) -> None:
    path = place.get("LocalPath", "")
    if not (path == _ROOT or path.startswith(f"{_ROOT}/")) or ".." in Path(path).parts:
        raise ValidationError(f"LocalPath of {name} must be {_ROOT} or below it, not {path!r}.")


OPERATIONS = jobs.operations(ProcessingJob)
