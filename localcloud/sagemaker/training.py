"""Training jobs: CreateTrainingJob and the rest, executed by the real sagemaker-training toolkit."""

from pathlib import Path
from typing import Any

from localcloud.sagemaker import containers, listing, training_files
from localcloud.sagemaker.containers import Container
from localcloud.sagemaker.errors import JobFailedError, ResourceInUseError, UnsupportedError, ValidationError
from localcloud.sagemaker.events import emit
from localcloud.sagemaker.images import find_image
from localcloud.sagemaker.jobs import Job, algorithm_failure
from localcloud.sagemaker.service import Operation, Record, Region, Request, public
from localcloud.sagemaker.training_metrics import MetricReader, final_metrics
from localcloud.sagemaker.transfer import Transfer
from localcloud.sagemaker.uris import join_s3_uri

METRIC_NAMESPACE = "/aws/sagemaker/TrainingJobs"
_SUPPORTED = frozenset(
    {
        "TrainingJobName", "HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig",
        "OutputDataConfig", "ResourceConfig", "VpcConfig", "StoppingCondition", "Tags", "EnableNetworkIsolation",
        "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "CheckpointConfig", "Environment",
        "RetryStrategy", "ProfilerConfig", "DebugHookConfig", "ExperimentConfig",
    }
)  # fmt: skip
_ENDED = {
    "Completed": "Training job completed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}
_SUMMARY = (
    "TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingEndTime", "LastModifiedTime", "TrainingJobStatus",
    "SecondaryStatus",
)  # fmt: skip


class TrainingJob(Job):
    """One training job."""

    kind = "training"
    log_group = "/aws/sagemaker/TrainingJobs"

    def __init__(self, region: Region, record: Record) -> None:
        super().__init__(region, record["TrainingJobName"], record)
        self._metrics = MetricReader(record["AlgorithmSpecification"].get("MetricDefinitions", []))

    @property
    def image_uri(self) -> str:
        """The training image."""
        return str(self.record["AlgorithmSpecification"]["TrainingImage"])

    def execute(self, workspace: Path) -> None:
        """The job has gone from Downloading to its end."""
        transfer = self.transfer()
        self._download(transfer, workspace / "ml")
        if not self.stopped_as:
            self._train(transfer, workspace)
        self._upload(transfer, workspace / "ml")
        self._end(self.stopped_as or "Completed")

    def advance(self, status: str, message: str, job_status: str = "InProgress") -> None:
        """The secondary status is `status`, which an event tells."""
        with self.region.lock:
            now = self.region.now()
            transitions = self.record["SecondaryStatusTransitions"]
            if transitions:
                transitions[-1].setdefault("EndTime", now)
            ended = {"EndTime": now} if job_status in ("Completed", "Failed", "Stopped") else {}
            transitions.append({"Status": status, "StartTime": now, **ended, "StatusMessage": message})
            self.record.update(SecondaryStatus=status, TrainingJobStatus=job_status, LastModifiedTime=now)
            detail = public(self.record)
        emit(self.region, "SageMaker Training Job State Change", detail, self.record["TrainingJobArn"])

    def request_stop(self) -> None:
        """The job is Stopping."""
        self.advance("Stopping", "Stopping the training job", "Stopping")
        self.stop()

    def fail(self, reason: str) -> None:
        """The job is Failed."""
        self.record.update(FailureReason=reason, TrainingEndTime=self.region.now(), **self._times())
        self.advance("Failed", "Training job failed", "Failed")

    def receive(self, lines: list[tuple[int, str]]) -> None:
        """The lines are in the log, and the numbers in them are metrics."""
        clock = self.region.cloud.clock
        for milliseconds, line in lines:
            for name, value in self._metrics.read(line):
                self._record_metric(name, value, clock.to_virtual(milliseconds / 1000))
        super().receive(lines)

    def _record_metric(self, name: str, value: float, time: float) -> None:
        known = self.record["FinalMetricDataList"]
        self.record["FinalMetricDataList"] = final_metrics(known, name, value, self.region.now())
        dimensions = [{"Name": "TrainingJobName", "Value": self.name}]
        datum = {"MetricName": name, "Value": value, "Timestamp": time, "Dimensions": dimensions, "Unit": "None"}
        self.region.cloud.put_metrics(METRIC_NAMESPACE, [datum], region=self.region.name)

    def _download(self, transfer: Transfer, ml: Path) -> None:
        self.advance("Downloading", "Downloading input data")
        seen_as = "/opt/ml" if self.region.cloud.processes.namespaces else str(ml)
        training_files.write_configuration(self.record, ml, seen_as=seen_as)
        for channel in training_files.channels(self.record):
            source = channel["DataSource"]["S3DataSource"]
            transfer.download_source(source, ml / "input" / "data" / channel["ChannelName"])
        checkpoints = self.record.get("CheckpointConfig", {}).get("S3Uri")
        if checkpoints:
            transfer.download_prefix(checkpoints, ml / "checkpoints", may_be_empty=True)

    def _train(self, transfer: Transfer, workspace: Path) -> None:
        self.record["TrainingStartTime"] = self.region.now()
        self.advance("Training", "Training image download completed. Training in progress.")
        status = self.run_program(self._container(workspace))
        if status != 0 and not self.stopped_as:
            self._upload_output(transfer, workspace / "ml")
            failure = workspace / "ml" / "output" / "failure"
            message = failure.read_text(errors="replace") if failure.is_file() else ""
            raise JobFailedError(algorithm_failure(status, message))

    def _container(self, workspace: Path) -> Container:
        image = find_image(self.region.cloud, self.image_uri)
        specification = self.record["AlgorithmSpecification"]
        toolkit = [str(image.python), *image.recipe.entrypoint]
        entrypoint = specification.get("ContainerEntrypoint", toolkit)
        isolated = self.record["EnableNetworkIsolation"]
        own = {} if isolated else containers.credentials(self.region, self.record["RoleArn"], self.arn)
        return Container(
            image=image,
            workspace=workspace,
            argv=[*entrypoint, *specification.get("ContainerArguments", [])],
            environment=own | training_files.environment(self.record, self.region.name),
            isolated=isolated,
        )

    def _upload(self, transfer: Transfer, ml: Path) -> None:
        self.advance("Uploading", "Uploading generated training model")
        output = self.record["OutputDataConfig"]
        folder, key = join_s3_uri(output["S3OutputPath"], self.name, "output"), output.get("KmsKeyId")
        plain = output.get("CompressionType") == "NONE"
        uri = join_s3_uri(folder, "model") + "/" if plain else join_s3_uri(folder, "model.tar.gz")
        if any((ml / "model").iterdir()):
            (transfer.upload_folder if plain else transfer.upload_archive)(ml / "model", uri, key)
        self.record["ModelArtifacts"] = {"S3ModelArtifacts": uri}
        self._upload_output(transfer, ml)

    def _upload_output(self, transfer: Transfer, ml: Path) -> None:
        output = self.record["OutputDataConfig"]
        uri = join_s3_uri(output["S3OutputPath"], self.name, "output", "output.tar.gz")
        if any((ml / "output" / "data").iterdir()):
            transfer.upload_archive(ml / "output" / "data", uri, output.get("KmsKeyId"))
        checkpoints = self.record.get("CheckpointConfig", {}).get("S3Uri")
        if checkpoints:
            transfer.upload_folder(ml / "checkpoints", checkpoints, output.get("KmsKeyId"))

    def _end(self, status: str) -> None:
        self.record.update(TrainingEndTime=self.region.now(), **self._times())
        self.advance(status, _ENDED[status], "Completed" if status == "Completed" else "Stopped")

    def _times(self) -> Record:
        seconds = self.running_seconds
        return {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds} if seconds else {}


def create_training_job(region: Region, request: Request) -> dict[str, Any]:
    """The job exists and is Starting."""
    name = request["TrainingJobName"]
    if name in region.training_jobs:
        raise ResourceInUseError(
            "Training job names must be unique within an AWS account and region, and a training job with this name "
            f"already exists ({region.arn('training-job', name)})"
        )
    _refuse_unsupported(request)
    find_image(region.cloud, request["AlgorithmSpecification"]["TrainingImage"])
    region.require_role(request["RoleArn"], region.arn("training-job", name))
    job = TrainingJob(region, _record(region, request))
    region.training_jobs[name] = job
    region.set_tags(job.record["TrainingJobArn"], request.get("Tags", []))
    job.advance("Starting", "Preparing the instances for training")
    job.begin()
    return {"TrainingJobArn": job.record["TrainingJobArn"]}


def describe_training_job(region: Region, request: Request) -> Record:
    """The whole record of a job."""
    return public(_find(region, request).record)


def stop_training_job(region: Region, request: Request) -> None:
    """The job is Stopping. Raises ValidationError when it has ended."""
    job = _find(region, request)
    status = job.record["TrainingJobStatus"]
    if status not in ("InProgress", "Stopping"):
        raise ValidationError(f"The request was rejected because the training job is in status {status}.")
    if status == "InProgress":
        job.request_stop()


def _find(region: Region, request: Request) -> TrainingJob:
    try:
        return region.training_jobs[request["TrainingJobName"]]
    except KeyError as error:
        raise ValidationError("Requested resource not found.") from error


def _record(region: Region, request: Request) -> Record:
    now = region.now()
    return {
        "HyperParameters": {},
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        **{key: value for key, value in request.items() if key != "Tags"},
        "TrainingJobArn": region.arn("training-job", request["TrainingJobName"]),
        "CreationTime": now,
        "LastModifiedTime": now,
        "SecondaryStatusTransitions": [],
        "FinalMetricDataList": [],
    }


def _refuse_unsupported(request: Request) -> None:
    unknown = sorted(set(request) - _SUPPORTED)
    if unknown:
        raise UnsupportedError(f"{', '.join(unknown)} in CreateTrainingJob")
    if "TrainingImage" not in request["AlgorithmSpecification"]:
        raise UnsupportedError("a training job without a TrainingImage")
    if request["ResourceConfig"].get("InstanceCount", 1) != 1 or "InstanceGroups" in request["ResourceConfig"]:
        raise UnsupportedError("training on more than one instance")
    for channel in training_files.channels(request):
        _refuse_channel(channel)


def _refuse_channel(channel: dict[str, Any]) -> None:
    name, source = channel["ChannelName"], channel["DataSource"].get("S3DataSource")
    if source is None or source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise UnsupportedError(f"channel {name}: only S3Prefix and ManifestFile data sources")
    if channel.get("InputMode", "File") != "File":
        raise UnsupportedError(f"channel {name}: input mode {channel['InputMode']} (use File)")
    if channel.get("CompressionType", "None") != "None":
        raise UnsupportedError(f"channel {name}: CompressionType {channel['CompressionType']}")


OPERATIONS: dict[str, Operation] = {
    "CreateTrainingJob": create_training_job,
    "DescribeTrainingJob": describe_training_job,
    "StopTrainingJob": stop_training_job,
    "ListTrainingJobs": listing.operation(
        listing.Listing(
            records=lambda region, _request: [job.record for job in region.training_jobs.values()],
            answer="TrainingJobSummaries",
            name="TrainingJobName",
            members=_SUMMARY,
            status="TrainingJobStatus",
        )
    ),
}
