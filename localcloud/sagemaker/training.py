"""Training jobs: executed by the real sagemaker-training toolkit, on several hosts, on spot capacity, with retries."""

import shutil
import threading
from pathlib import Path
from typing import Any

from localcloud.faults.plan import Kind
from localcloud.sagemaker import jobs, training_files
from localcloud.sagemaker.containers import Container, host_names
from localcloud.sagemaker.errors import JobFailedError, UnsupportedError, ValidationError
from localcloud.sagemaker.images import find_image
from localcloud.sagemaker.jobs import Job, algorithm_failure
from localcloud.sagemaker.quotas import SPOT_TRAINING, TRAINING, Usage, quota
from localcloud.sagemaker.service import Record, Region, Request
from localcloud.sagemaker.training_metrics import MetricReader, final_metrics
from localcloud.sagemaker.transfer import FolderSync, Transfer
from localcloud.sagemaker.uris import join_s3_uri

METRIC_NAMESPACE = "/aws/sagemaker/TrainingJobs"
SPOT, INTERNAL = "Interrupted", "InternalServerError"
_SYNC_SECONDS = 1.0
_CHECKPOINTS = "/opt/ml/checkpoints"
_ENDED = {
    "Completed": "Training job completed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job runtime exceeded MaxWaitTimeInSeconds provided",
}


class InstanceLostError(Exception):
    """Raised when the job's instances were taken away; the message is SPOT or INTERNAL."""


class TrainingJob(Job):
    """One training job."""

    kind = "TrainingJob"
    segment = "training-job"
    event = "SageMaker Training Job State Change"
    missing = "Requested resource not found."
    taken = (
        "Training job names must be unique within an AWS account and region, and a training job with this name "
        "already exists"
    )
    members = frozenset(
        {
            "TrainingJobName", "HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig",
            "OutputDataConfig", "ResourceConfig", "VpcConfig", "StoppingCondition", "Tags", "EnableNetworkIsolation",
            "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "CheckpointConfig", "Environment",
            "RetryStrategy", "ProfilerConfig", "DebugHookConfig", "ExperimentConfig",
        }
    )  # fmt: skip
    summary = (
        "TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingEndTime", "LastModifiedTime",
        "TrainingJobStatus", "SecondaryStatus",
    )  # fmt: skip
    defaults = {  # noqa: RUF012  # read only
        "HyperParameters": {},
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
    }

    def __init__(self, region: Region, record: Record) -> None:
        super().__init__(region, record)
        record.setdefault("SecondaryStatusTransitions", [])
        record.setdefault("FinalMetricDataList", [])
        self.readings: dict[str, list[float]] = {}
        self._metrics = MetricReader(record["AlgorithmSpecification"].get("MetricDefinitions", []))
        self._hosts = host_names(int(record["ResourceConfig"].get("InstanceCount", 1)))
        self._lost = ""
        self._capacity = threading.Event()
        self._checkpoints: FolderSync | None = None

    @classmethod
    def check(cls, region: Region, request: Request) -> None:
        """Only what can run here is accepted."""
        specification, resources = request["AlgorithmSpecification"], request["ResourceConfig"]
        if "TrainingImage" not in specification:
            raise UnsupportedError("a training job without a TrainingImage")
        if "InstanceGroups" in resources or "InstanceType" not in resources:
            raise UnsupportedError("training on anything but instances of one InstanceType")
        if resources.get("InstanceCount", 1) > 1 and not region.cloud.processes.namespaces:
            raise UnsupportedError("training on several hosts without unprivileged user namespaces")
        if not str(request.get("CheckpointConfig", {}).get("LocalPath", _CHECKPOINTS)).startswith("/opt/ml/"):
            raise UnsupportedError("a CheckpointConfig whose LocalPath is not below /opt/ml")
        for channel in training_files.channels(request):
            training_files.check_channel(channel)
        _check_limits(request)
        find_image(region.cloud, specification["TrainingImage"])

    @classmethod
    def usage_of(cls, request: Request) -> Usage:
        """Spot instances have quotas of their own."""
        resources = request["ResourceConfig"]
        use = SPOT_TRAINING if request.get("EnableManagedSpotTraining") else TRAINING
        return Usage({quota(resources["InstanceType"], use): int(resources.get("InstanceCount", 1))})

    def begin(self) -> None:
        """The job is Starting."""
        self.advance("Starting", "Preparing the instances for training")

    def advance(self, status: str, message: str, job_status: str = "InProgress") -> None:
        """The secondary status is `status`, which an event tells."""
        with self.region.lock:
            now, transitions = self.region.now(), self.record["SecondaryStatusTransitions"]
            if transitions:
                transitions[-1].setdefault("EndTime", now)
            ended = {"EndTime": now} if job_status in jobs.ENDED else {}
            transitions.append({"Status": status, "StartTime": now, **ended, "StatusMessage": message})
        self.change(job_status, SecondaryStatus=status)

    def request_stop(self) -> None:
        """The job is Stopping."""
        self.advance("Stopping", "Stopping the training job", "Stopping")
        self.stop()

    def fail(self, reason: str) -> None:
        """The job is Failed."""
        self.record.update(FailureReason=reason, **self._times())
        self.advance("Failed", "Training job failed", "Failed")

    def interrupt(self, cause: str = SPOT, seconds: float = 0.0) -> None:
        """The instances are gone at once, without a last checkpoint; new ones come after `seconds` (real)."""
        self._lost, self._capacity = cause, threading.Event()
        timer = threading.Timer(seconds, self._capacity.set)
        timer.daemon = True
        timer.start()
        self.kill_program()

    def run(self) -> None:
        """The job has gone from Downloading to its end, from the start again when its instances were lost."""
        attempts = int(self.record.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0))
        while True:
            try:
                self._attempt()
            except InstanceLostError as loss:
                if str(loss) == INTERNAL and attempts == 0:
                    raise JobFailedError("InternalServerError: We encountered an internal error.") from loss
                attempts -= str(loss) == INTERNAL
                if self._comes_back(str(loss)):
                    continue
                self._end(self.stopped_as)
            return

    def attend(self) -> None:
        """Checkpoints are copied to S3 about once a second, while a spot job may wait no longer than it said."""
        if self._lost:  # while the program was being started
            self.kill_program()
        self.wait_for_program(_SYNC_SECONDS)
        if self._waited_too_long():
            self.stop("MaxWaitTimeExceeded")
        if self._checkpoints and not self._lost:
            self._checkpoints.upload()

    def receive(self, stream: str, lines: list[tuple[int, str]]) -> None:
        """The lines are in the log, and the numbers in them are metrics."""
        clock = self.region.cloud.clock
        for milliseconds, line in lines:
            for name, value in self._metrics.read(line):
                self._record_metric(name, value, clock.to_virtual(milliseconds / 1000))
        super().receive(stream, lines)

    def _comes_back(self, cause: str) -> bool:
        """The job has new instances; False when it was stopped, or waited too long for them."""
        said = {SPOT: "Training job interrupted", INTERNAL: "Retrying after an internal error"}[cause]
        self.advance("Interrupted" if cause == SPOT else "Restarting", said)
        while not self._capacity.wait(0.1) and not self.stopped_as:
            if self._waited_too_long():
                self.stopped_as = "MaxWaitTimeExceeded"
        if self.stopped_as:
            return False
        self._lost = ""
        self.advance("Starting", "Preparing the instances for training")
        return True

    def _waited_too_long(self) -> bool:
        limit = self.record["StoppingCondition"].get("MaxWaitTimeInSeconds")
        return limit is not None and self.waited_seconds > limit and not self.stopped_as

    def _attempt(self) -> None:
        workspace, transfer = self.workspace(len(self._hosts)), self.transfer()
        folders = [workspace / host for host in self._hosts]
        self._download(transfer, folders)
        self._raise_when_lost()
        if not self.stopped_as:
            self._train(transfer, workspace, folders)
        self._upload(transfer, folders[0])
        self._end(self.stopped_as or "Completed")

    def _raise_when_lost(self) -> None:
        if self._lost and not self.stopped_as:
            raise InstanceLostError(self._lost)

    def _download(self, transfer: Transfer, folders: list[Path]) -> None:
        self.advance("Downloading", "Downloading input data")
        for index, ml in enumerate(folders):
            seen_as = "/opt/ml" if self.region.cloud.processes.namespaces else str(ml)
            training_files.write_configuration(self.record, ml, self._hosts, index, seen_as=seen_as)
            for channel in training_files.channels(self.record):
                source = channel["DataSource"]["S3DataSource"]
                transfer.download_source(source, ml / "input" / "data" / channel["ChannelName"], (index, len(folders)))
        self._checkpoints = self._checkpoint_sync(transfer, folders)

    def _checkpoint_sync(self, transfer: Transfer, folders: list[Path]) -> FolderSync | None:
        config = self.record.get("CheckpointConfig")
        if config is None:
            return None
        place = Path(config.get("LocalPath", _CHECKPOINTS)).relative_to("/opt/ml")
        key = self.record["OutputDataConfig"].get("KmsKeyId")
        sync = FolderSync(transfer, [ml / place for ml in folders], config["S3Uri"], key)
        sync.download()
        return sync

    def _train(self, transfer: Transfer, workspace: Path, folders: list[Path]) -> None:
        self.record.setdefault("TrainingStartTime", self.region.now())
        self.advance("Training", "Training image download completed. Training in progress.")
        self._plan_interruption()
        status = self.run_program(self._container(workspace))
        self._raise_when_lost()
        for other in folders[1:]:
            _merge(other, folders[0])
        if status != 0 and not self.stopped_as:
            self._upload_output(transfer, folders[0])
            failure = folders[0] / "output" / "failure"
            message = failure.read_text(errors="replace") if failure.is_file() else ""
            raise JobFailedError(algorithm_failure(status, message))

    def _plan_interruption(self) -> None:
        """A fault plan takes the instances away in a while; by an internal error when its code says so."""
        fault = self.region.cloud.faults.fault(Kind.INTERRUPT, "sagemaker", self.kind, self.name)
        if fault is not None:
            timer = threading.Timer(fault.seconds, self.interrupt, [fault.code or SPOT])
            timer.daemon = True
            timer.start()

    def _container(self, workspace: Path) -> Container:
        specification = self.record["AlgorithmSpecification"]
        image = find_image(self.region.cloud, specification["TrainingImage"])
        toolkit = [str(image.python), *image.recipe.entrypoint]
        isolated = self.record["EnableNetworkIsolation"]
        return Container(
            image=image,
            workspace=workspace,
            argv=[
                *specification.get("ContainerEntrypoint", toolkit),
                *specification.get("ContainerArguments", []),
            ],
            environment=self.environment(isolated) | training_files.environment(self.record, self.region.name),
            isolated=isolated,
        )

    def _record_metric(self, name: str, value: float, when: float) -> None:
        known = self.record["FinalMetricDataList"]
        self.record["FinalMetricDataList"] = final_metrics(known, name, value, self.region.now())
        self.readings.setdefault(name, []).append(value)
        dimensions = [{"Name": "TrainingJobName", "Value": self.name}]
        datum = {"MetricName": name, "Value": value, "Timestamp": when, "Dimensions": dimensions, "Unit": "None"}
        self.region.cloud.put_metrics(METRIC_NAMESPACE, [datum], region=self.region.name)

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
        if self._checkpoints:
            self._checkpoints.upload()

    def _end(self, status: str) -> None:
        self.record.update(self._times())
        self.advance(status, _ENDED[status], "Completed" if status == "Completed" else "Stopped")

    def _times(self) -> Record:
        """On spot instances less is billed than trained; by how much is not known here, so all is."""
        seconds = max(1, round(self.running_seconds)) if self.running_seconds else 0
        return {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds} if seconds else {}


def _merge(other: Path, first: Path) -> None:
    """What another host left for upload lies in the first host's folder, where that has no such file itself."""
    for folder in ("model", "output"):
        for path in sorted((other / folder).rglob("*")):
            target = first / path.relative_to(other)
            if path.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)


def _check_limits(request: Request) -> None:
    limits = request["StoppingCondition"]
    wait, runtime = limits.get("MaxWaitTimeInSeconds"), limits.get("MaxRuntimeInSeconds", 86_400)
    if request.get("EnableManagedSpotTraining"):
        if wait is None or wait < runtime:
            raise ValidationError(
                f"Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
                f"MaxRuntimeInSeconds ({runtime}) when EnableManagedSpotTraining is set to true."
            )
    elif wait is not None:
        raise ValidationError("MaxWaitTimeInSeconds is only valid when EnableManagedSpotTraining is set to true.")


OPERATIONS = jobs.operations(TrainingJob)


def interrupt(region: Region, body: dict[str, Any]) -> dict[str, Any]:
    """The training job `TrainingJobName` has lost its instances, by `Cause`; they come back after `Seconds`."""
    record = jobs.find(TrainingJob, region, body["TrainingJobName"])
    job = region.live_jobs.get(record["TrainingJobArn"])
    cause = body.get("Cause", SPOT)
    if not isinstance(job, TrainingJob) or cause not in (SPOT, INTERNAL):
        raise ValueError(f"Only a training job in progress can lose its instances, by {SPOT} or {INTERNAL}.")
    job.interrupt(cause, float(body.get("Seconds", 0)))
    return {"TrainingJobName": job.name, "Cause": cause}
