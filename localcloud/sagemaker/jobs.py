"""What all kinds of jobs share: their operations, their thread, their programs, stopping, limits and their end."""

import shutil
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

from localcloud.sagemaker import containers, listing, quotas
from localcloud.sagemaker.containers import Container, Program
from localcloud.sagemaker.errors import ApiError, JobFailedError, ResourceInUseError, UnsupportedError, ValidationError
from localcloud.sagemaker.events import emit
from localcloud.sagemaker.quotas import Usage
from localcloud.sagemaker.service import Operation, Record, Region, Request, public
from localcloud.sagemaker.transfer import Transfer

ENDED = ("Completed", "Failed", "Stopped")
_GRACE_SECONDS = 120
_FAILURE_REASON_LENGTH = 1024
_DEFAULT_RUNTIME_SECONDS = 86_400


class Job:
    """One job in progress: its record, and a thread that brings it to its end.

    A kind of job is a subclass: the class attributes describe its API, `run` is what it does. Limits and grace are
    real time, as computing is.
    """

    kind: ClassVar[str]
    segment: ClassVar[str]
    event: ClassVar[str]
    members: ClassVar[frozenset[str]]
    summary: ClassVar[tuple[str, ...]]
    defaults: ClassVar[Record] = {}
    missing: ClassVar[str] = "Could not find requested job with name: {name}"
    missing_error: ClassVar[type[ApiError]] = ValidationError
    taken: ClassVar[str] = (
        "Job name must be unique within an AWS account and region, and a job with this name already exists"
    )

    def __init__(self, region: Region, record: Record) -> None:
        self.region = region
        self.record = record
        self.name = str(record[f"{self.kind}Name"])
        self.arn = str(record[f"{self.kind}Arn"])
        self.stopped_as = ""
        self.stop_asked = threading.Event()
        self._program: Program | None = None
        self._created = time.monotonic()
        self.running_seconds = 0.0

    @classmethod
    def check(cls, region: Region, request: Request) -> None:
        """The request can be carried out. Raises an ApiError."""
        raise NotImplementedError

    @classmethod
    def usage_of(cls, request: Request) -> Usage:
        """The instances that a job of this request takes, by quota."""
        raise NotImplementedError

    def run(self) -> None:
        """Everything from the first download to the record's last change. Raises JobFailedError."""
        raise NotImplementedError

    def begin(self) -> None:
        """The record says InProgress."""
        self.change("InProgress")

    def usage(self) -> Usage:
        """The instances that this job takes, by quota."""
        return self.usage_of(self.record)

    @property
    def status(self) -> str:
        """The job's main status."""
        return str(self.record[f"{self.kind}Status"])

    @property
    def waited_seconds(self) -> float:
        """Real seconds since the job was created."""
        return time.monotonic() - self._created

    def change(self, status: str, **members: Any) -> None:
        """The job's status is `status`, which an event tells; the end of a job gives it an end time."""
        with self.region.lock:
            now = self.region.now()
            if status in ENDED:
                members[f"{self.kind.removesuffix('Job')}EndTime"] = now
                self.region.live_jobs.pop(self.arn, None)
            self.record.update({f"{self.kind}Status": status, "LastModifiedTime": now, **members})
            detail = public(self.record)
        self.region.changed(self.kind, self.name)
        emit(self.region, self.event, detail, self.arn)

    def fail(self, reason: str) -> None:
        """The job is Failed."""
        self.change("Failed", FailureReason=reason)

    def request_stop(self) -> None:
        """The job is Stopping."""
        self.change("Stopping")
        self.stop()

    def stop(self, status: str = "Stopped") -> None:
        """The programs have been asked to end, and are killed when they have not done so after two minutes."""
        self.stopped_as = self.stopped_as or status
        self.stop_asked.set()
        if self._program is not None:
            process = self._program.process
            self.region.cloud.processes.kill(process, 15)
            timer = threading.Timer(_GRACE_SECONDS, self.kill_program)
            timer.daemon = True
            timer.start()

    def kill_program(self) -> None:
        """No program of the job runs."""
        if self._program is not None and self._program.process.poll() is None:
            self.region.cloud.processes.kill(self._program.process)

    @property
    def max_runtime_seconds(self) -> int:
        """The job's StoppingCondition."""
        return int(self.record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DEFAULT_RUNTIME_SECONDS))

    def transfer(self) -> Transfer:
        """S3 as the job's role."""
        return Transfer(self.region, self.record["RoleArn"], self.arn)

    def workspace(self, hosts: int = 1) -> Path:
        """An empty workspace with a folder for each host."""
        return containers.make_workspace(self.region.cloud, self.segment, self.name, hosts)

    def environment(self, isolated: bool) -> dict[str, str]:
        """The region and, but for an isolated container, the way to the role's keys."""
        own = {} if isolated else containers.credentials(self.region, self.record["RoleArn"], self.arn)
        return {**own, "AWS_REGION": self.region.name, "AWS_DEFAULT_REGION": self.region.name}

    def receive(self, stream: str, lines: list[tuple[int, str]]) -> None:
        """Lines that a host's program wrote are in the log."""
        group = f"/aws/sagemaker/{self.kind}s"
        self.region.cloud.write_logs(group, f"{self.name}/{stream}", lines, region=self.region.name)

    def run_program(self, container: Container) -> int:
        """The program has run to its end on every host, or was stopped; its exit status, negative for a signal."""
        begun, stamp = time.monotonic(), int(self.region.cloud.clock.now())
        program = containers.start(self.region.cloud, container)
        pumps = program.pump(lambda host, lines: self.receive(f"{host}-{stamp}", lines))
        self._program = program
        self.region.cloud.faults.started("sagemaker", self.kind, self.name, self.kill_program)
        if self.stopped_as:
            self.stop()
        while (status := program.process.poll()) is None:
            if time.monotonic() - begun + self.running_seconds > self.max_runtime_seconds and not self.stopped_as:
                self.stop("MaxRuntimeExceeded")
            self.attend()
        self.running_seconds += time.monotonic() - begun
        self.region.cloud.processes.kill(program.process)
        for pump in pumps:
            pump.join()
        return status

    def attend(self) -> None:
        """A short time has passed, or the program has ended."""
        self.wait_for_program(0.5)

    def wait_for_program(self, seconds: float) -> None:
        """The program has ended, or `seconds` have passed."""
        if self._program is not None:
            containers.wait(self._program, seconds)

    def start(self) -> None:
        """The job's thread runs."""
        threading.Thread(target=self._live, name=f"{self.segment}-{self.name}", daemon=True).start()

    def _live(self) -> None:
        try:
            self.run()
        except JobFailedError as error:
            self._fail(str(error))
        except Exception as error:  # a fault of ours must end the job, not leave it InProgress for ever
            self._fail(f"InternalServerError: {type(error).__name__}: {error}")
            if not self.region.cloud.stopping.is_set():
                raise
        finally:
            folder = self.region.cloud.state_dir / "sagemaker" / self.segment / self.name
            shutil.rmtree(folder, ignore_errors=True)

    def _fail(self, reason: str) -> None:
        if not self.region.cloud.stopping.is_set():
            self.fail(reason[:_FAILURE_REASON_LENGTH])


def algorithm_failure(status: int, message: str) -> str:
    """The FailureReason of a program that ended with `status`, and left `message` or nothing."""
    text = message.strip() or "See job logs for more information"
    code = status if status >= 0 else 128 - status  # as a shell counts: 128 plus the number of the signal
    return f"AlgorithmError: {text}, exit code: {code}"


def create(kind: type[Job], region: Region, request: Request) -> dict[str, Any]:
    """The job exists and is in progress."""
    name = request[f"{kind.kind}Name"]
    arn = region.arn(kind.segment, name)
    if name in region.jobs[kind.kind]:
        raise ResourceInUseError(f"{kind.taken} ({arn})")
    unknown = sorted(set(request) - kind.members)
    if unknown:
        raise UnsupportedError(f"{', '.join(unknown)} in Create{kind.kind}")
    kind.check(region, request)
    if "RoleArn" in request:
        region.require_role(request["RoleArn"], arn)
    quotas.require(region, kind.usage_of(request), name)
    given = {key: value for key, value in request.items() if key != "Tags"}
    own = {f"{kind.kind}Arn": arn, "CreationTime": region.now()}
    job = kind(region, {**kind.defaults, **given, **own})
    region.jobs[kind.kind][name] = job.record
    region.live_jobs[arn] = job
    region.set_tags(arn, request.get("Tags", []))
    job.begin()
    job.start()
    return {f"{kind.kind}Arn": arn}


def find(kind: type[Job], region: Region, name: str) -> Record:
    """The record of a job. Raises the kind's `missing_error`."""
    try:
        return region.jobs[kind.kind][name]
    except KeyError as error:
        raise kind.missing_error(kind.missing.format(name=name)) from error


def stop(kind: type[Job], region: Region, name: str) -> None:
    """The job is Stopping. Raises ValidationError when it has ended."""
    record = find(kind, region, name)
    status = record[f"{kind.kind}Status"]
    if status in ENDED:
        said = kind.segment.replace("-", " ")
        raise ValidationError(f"The request was rejected because the {said} is in status {status}.")
    if status == "InProgress":
        region.live_jobs[record[f"{kind.kind}Arn"]].request_stop()


def operations(kind: type[Job]) -> dict[str, Operation]:
    """Create, Describe, Stop and List of one kind of job."""
    name = f"{kind.kind}Name"
    listed = listing.Listing(
        records=lambda region, _request: region.jobs[kind.kind].values(),
        answer=f"{kind.kind}Summaries",
        name=name,
        members=kind.summary,
        status=f"{kind.kind}Status",
    )
    return {
        f"Create{kind.kind}": lambda region, request: create(kind, region, request),
        f"Describe{kind.kind}": lambda region, request: public(find(kind, region, request[name])),
        f"Stop{kind.kind}": lambda region, request: stop(kind, region, request[name]),
        f"List{kind.kind}s": listing.operation(listed),
    }
