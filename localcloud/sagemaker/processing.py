"""Processing jobs: CreateProcessingJob and the rest, executed by the container contract of /opt/ml/processing."""

import json
from pathlib import Path
from typing import Any

from localcloud.sagemaker import containers, listing
from localcloud.sagemaker.containers import Container
from localcloud.sagemaker.errors import JobFailedError, ResourceInUseError, UnsupportedError, ValidationError
from localcloud.sagemaker.events import emit
from localcloud.sagemaker.images import find_image
from localcloud.sagemaker.jobs import Job, algorithm_failure
from localcloud.sagemaker.service import Operation, Record, Region, Request, public
from localcloud.sagemaker.transfer import Transfer

_ROOT = "/opt/ml/processing"
_EXIT_MESSAGE_LENGTH = 1024
_SUPPORTED = frozenset(
    {
        "ProcessingJobName", "ProcessingInputs", "ProcessingOutputConfig", "ProcessingResources",
        "StoppingCondition", "AppSpecification", "Environment", "NetworkConfig", "RoleArn", "Tags",
        "ExperimentConfig",
    }
)  # fmt: skip
_SUMMARY = (
    "ProcessingJobName", "ProcessingJobArn", "CreationTime", "ProcessingEndTime", "LastModifiedTime",
    "ProcessingJobStatus", "FailureReason", "ExitMessage",
)  # fmt: skip


class ProcessingJob(Job):
    """One processing job."""

    kind = "processing"
    log_group = "/aws/sagemaker/ProcessingJobs"

    def __init__(self, region: Region, record: Record) -> None:
        super().__init__(region, record["ProcessingJobName"], record)

    @property
    def image_uri(self) -> str:
        """The container image."""
        return str(self.record["AppSpecification"]["ImageUri"])

    def execute(self, workspace: Path) -> None:
        """The job has gone from its downloads to its end."""
        transfer = self.transfer()
        ml = workspace / "ml"
        self._download(transfer, ml)
        self._write_configuration(ml)
        if not self.stopped_as:
            self._process_data(workspace)
        if not self.stopped_as:
            for output in outputs(self.record):
                transfer.upload_folder(_host_path(ml, output["LocalPath"]), output["S3Uri"], self._kms_key)
        self.change("Stopped" if self.stopped_as else "Completed", ProcessingEndTime=self.region.now())

    def change(self, status: str, **members: Any) -> None:
        """The job's status is `status`, which an event tells."""
        with self.region.lock:
            self.record.update(ProcessingJobStatus=status, LastModifiedTime=self.region.now(), **members)
            detail = public(self.record)
        emit(self.region, "SageMaker Processing Job State Change", detail, self.record["ProcessingJobArn"])

    def request_stop(self) -> None:
        """The job is Stopping."""
        self.change("Stopping")
        self.stop()

    def fail(self, reason: str) -> None:
        """The job is Failed."""
        self.change("Failed", FailureReason=reason, ProcessingEndTime=self.region.now())

    @property
    def _kms_key(self) -> str | None:
        key: str | None = self.record.get("ProcessingOutputConfig", {}).get("KmsKeyId")
        return key

    def _download(self, transfer: Transfer, ml: Path) -> None:
        for source in inputs(self.record):
            transfer.download_source(source, _host_path(ml, source["LocalPath"]))
        for output in outputs(self.record):
            _host_path(ml, output["LocalPath"]).mkdir(parents=True, exist_ok=True)
        (ml / "output").mkdir(exist_ok=True)

    def _write_configuration(self, ml: Path) -> None:
        (ml / "config").mkdir()
        hosts = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"}
        (ml / "config" / "resourceconfig.json").write_text(json.dumps(hosts))
        (ml / "config" / "processingjobconfig.json").write_text(json.dumps(public(self.record), default=str))

    def _process_data(self, workspace: Path) -> None:
        self.record["ProcessingStartTime"] = self.region.now()
        status = self.run_program(self._container(workspace))
        message = workspace / "ml" / "output" / "message"
        if message.is_file():
            self.record["ExitMessage"] = message.read_text(errors="replace")[:_EXIT_MESSAGE_LENGTH]
        if self.stopped_as == "MaxRuntimeExceeded":
            raise JobFailedError(
                f"ClientError: Maximum runtime of {self.max_runtime_seconds} seconds (MaxRuntimeInSeconds) was exceeded"
            )
        if status != 0 and not self.stopped_as:
            raise JobFailedError(algorithm_failure(status, ""))

    def _container(self, workspace: Path) -> Container:
        application = self.record["AppSpecification"]
        isolated = self.record.get("NetworkConfig", {}).get("EnableNetworkIsolation", False)
        own = {} if isolated else containers.credentials(self.region, self.record["RoleArn"], self.arn)
        region = {"AWS_REGION": self.region.name, "AWS_DEFAULT_REGION": self.region.name}
        return Container(
            image=find_image(self.region.cloud, self.image_uri),
            workspace=workspace,
            argv=[*application["ContainerEntrypoint"], *application.get("ContainerArguments", [])],
            environment={**own, **region, **self.record.get("Environment", {})},
            isolated=isolated,
        )


def inputs(record: Record) -> list[dict[str, Any]]:
    """The S3 inputs of a job."""
    return [each["S3Input"] for each in record.get("ProcessingInputs", [])]


def outputs(record: Record) -> list[dict[str, Any]]:
    """The S3 outputs of a job."""
    return [each["S3Output"] for each in record.get("ProcessingOutputConfig", {}).get("Outputs", [])]


def create_processing_job(region: Region, request: Request) -> dict[str, Any]:
    """The job exists and is InProgress."""
    name = request["ProcessingJobName"]
    if name in region.processing_jobs:
        raise ResourceInUseError(
            "Job name must be unique within an AWS account and region, and a job with this name already exists "
            f"({region.arn('processing-job', name)})"
        )
    _refuse_unsupported(region, request)
    find_image(region.cloud, request["AppSpecification"]["ImageUri"])
    job_arn = region.arn("processing-job", name)
    region.require_role(request["RoleArn"], job_arn)
    now = region.now()
    record = {key: value for key, value in request.items() if key != "Tags"}
    record |= {"ProcessingJobArn": job_arn, "CreationTime": now}
    job = ProcessingJob(region, record)
    region.processing_jobs[name] = job
    region.set_tags(record["ProcessingJobArn"], request.get("Tags", []))
    job.change("InProgress")
    job.begin()
    return {"ProcessingJobArn": record["ProcessingJobArn"]}


def describe_processing_job(region: Region, request: Request) -> Record:
    """The whole record of a job."""
    return public(_find(region, request).record)


def stop_processing_job(region: Region, request: Request) -> None:
    """The job is Stopping. Raises ValidationError when it has ended."""
    job = _find(region, request)
    status = job.record["ProcessingJobStatus"]
    if status not in ("InProgress", "Stopping"):
        raise ValidationError(f"The request was rejected because the processing job is in status {status}.")
    if status == "InProgress":
        job.request_stop()


def _host_path(ml: Path, local_path: str) -> Path:
    return ml / Path(local_path).relative_to("/opt/ml")


def _find(region: Region, request: Request) -> ProcessingJob:
    try:
        return region.processing_jobs[request["ProcessingJobName"]]
    except KeyError as error:
        raise ValidationError(f"Could not find requested job with name: {request['ProcessingJobName']}") from error


def _refuse_unsupported(region: Region, request: Request) -> None:
    unknown = sorted(set(request) - _SUPPORTED)
    if unknown:
        raise UnsupportedError(f"{', '.join(unknown)} in CreateProcessingJob")
    if not region.cloud.processes.namespaces:
        raise UnsupportedError("processing jobs on a host without unprivileged user namespaces")
    if "ContainerEntrypoint" not in request["AppSpecification"]:
        raise UnsupportedError("a processing job without ContainerEntrypoint")
    if request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] != 1:
        raise UnsupportedError("processing on more than one instance")
    for each in request.get("ProcessingInputs", []):
        _refuse_input(each)
    for each in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
        _refuse_output(each)


def _refuse_input(given: dict[str, Any]) -> None:
    source = given.get("S3Input")
    if source is None or source.get("S3InputMode", "File") != "File":
        raise UnsupportedError(f"processing input {given['InputName']}: only S3Input in File mode")
    if source.get("S3CompressionType", "None") != "None":
        raise UnsupportedError(f"processing input {given['InputName']}: S3CompressionType Gzip")
    _require_local_path(source, given["InputName"])


def _refuse_output(given: dict[str, Any]) -> None:
    target = given.get("S3Output")
    if target is None or target["S3UploadMode"] != "EndOfJob":
        raise UnsupportedError(f"processing output {given['OutputName']}: only S3Output with EndOfJob")
    _require_local_path(target, given["OutputName"])


def _require_local_path(place: dict[str, Any], name: str) -> None:
    path = place.get("LocalPath", "")
    if not (path == _ROOT or path.startswith(f"{_ROOT}/")) or ".." in Path(path).parts:
        raise ValidationError(f"LocalPath of {name} must be {_ROOT} or below it, not {path!r}.")


OPERATIONS: dict[str, Operation] = {
    "CreateProcessingJob": create_processing_job,
    "DescribeProcessingJob": describe_processing_job,
    "StopProcessingJob": stop_processing_job,
    "ListProcessingJobs": listing.operation(
        listing.Listing(
            records=lambda region, _request: [job.record for job in region.processing_jobs.values()],
            answer="ProcessingJobSummaries",
            name="ProcessingJobName",
            members=_SUMMARY,
            status="ProcessingJobStatus",
        )
    ),
}
