"""What training and processing jobs have in common: their thread, their program, stopping and time limits."""

import shutil
import subprocess
import threading
import time
from pathlib import Path

from botocore.exceptions import ClientError

from localcloud.sagemaker import containers
from localcloud.sagemaker.containers import Container, LogPump
from localcloud.sagemaker.errors import JobFailedError
from localcloud.sagemaker.service import Record, Region
from localcloud.sagemaker.transfer import Transfer

_GRACE_SECONDS = 120
_FAILURE_REASON_LENGTH = 1024
_HOST = "algo-1"


class Job:
    """One job: a record, and a thread that brings it to its end. Limits and grace are real time, as computing is."""

    kind = ""
    log_group = ""

    def __init__(self, region: Region, name: str, record: Record) -> None:
        self.region = region
        self.name = name
        self.record = record
        self.stopped_as = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def begin(self) -> None:
        """The job's thread runs."""
        threading.Thread(target=self._live, name=f"{self.kind}-{self.name}", daemon=True).start()

    def stop(self, status: str = "Stopped") -> None:
        """The program has been asked to end, and is killed when it has not done so after two minutes."""
        self.stopped_as = self.stopped_as or status
        if self._process is not None:
            self.region.cloud.processes.kill(self._process, 15)
            timer = threading.Timer(_GRACE_SECONDS, self._kill_if_running, [self._process])
            timer.daemon = True
            timer.start()

    def _kill_if_running(self, process: "subprocess.Popen[bytes]") -> None:
        if process.poll() is None:
            self.region.cloud.processes.kill(process)

    @property
    def running_seconds(self) -> int:
        """Real seconds since the program was started, at least 1; 0 when it was not."""
        return max(1, round(time.time() - self._started)) if self._started else 0

    @property
    def arn(self) -> str:
        """The job's ARN."""
        return self.region.arn(f"{self.kind}-job", self.name)

    @property
    def image_uri(self) -> str:
        """The container image that the job names."""
        raise NotImplementedError

    @property
    def max_runtime_seconds(self) -> int:
        """The job's StoppingCondition."""
        return int(self.record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86_400))

    def transfer(self) -> Transfer:
        """S3 as the job's role."""
        role_arn = self.record["RoleArn"]
        try:
            return Transfer(self.region.client(role_arn, "s3", self.arn), role_arn, self.region.name)
        except ClientError as error:
            raise JobFailedError(f"ClientError: Could not assume role {role_arn}: {error}") from error

    def execute(self, workspace: Path) -> None:
        """Everything from download to upload; the record says Completed or Stopped afterwards."""
        raise NotImplementedError

    def fail(self, reason: str) -> None:
        """The record says Failed, and why."""
        raise NotImplementedError

    def receive(self, lines: list[tuple[int, str]]) -> None:
        """Lines that the program wrote are in the log."""
        self.region.cloud.write_logs(self.log_group, self._stream, lines, region=self.region.name)

    def run_program(self, container: Container) -> int:
        """The program has run to its end, or was stopped; its exit status, negative for a signal."""
        self._started = time.time()
        self._stream = f"{self.name}/{_HOST}-{int(self.region.cloud.clock.now())}"
        process = containers.start(self.region.cloud, container)
        pump = LogPump(process, self.receive)
        pump.start()
        self._process = process
        if self.stopped_as:
            self.stop()
        status = self._wait(process)
        self.region.cloud.processes.kill(process)
        pump.join()
        return status

    def _wait(self, process: "subprocess.Popen[bytes]") -> int:
        try:
            return process.wait(self.max_runtime_seconds)
        except subprocess.TimeoutExpired:
            self.stop("MaxRuntimeExceeded")
            return process.wait()

    def _live(self) -> None:
        workspace = containers.make_workspace(self.region.cloud, self.kind, self.name)
        try:
            self.execute(workspace)
        except JobFailedError as error:
            self._fail(str(error))
        except Exception as error:  # a fault of ours must end the job, not leave it InProgress for ever
            self._fail(f"InternalServerError: {type(error).__name__}: {error}")
            if not self.region.cloud.stopping.is_set():
                raise
        finally:
            shutil.rmtree(workspace, ignore_errors=True)

    def _fail(self, reason: str) -> None:
        if not self.region.cloud.stopping.is_set():
            self.fail(reason[:_FAILURE_REASON_LENGTH])


def algorithm_failure(status: int, message: str) -> str:
    """The FailureReason of a program that ended with `status`, and left `message` or nothing."""
    text = message.strip() or "See job logs for more information"
    return f"AlgorithmError: {text}, exit code: {_exit_code(status)}"


def _exit_code(status: int) -> int:
    """As a shell counts: 128 plus the number of the signal."""
    return status if status >= 0 else 128 - status
