"""One instance of a variant: a model server process, its connections and its log stream."""

import socket
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localcloud.images.environments import Image
from localcloud.sagemaker import containers
from localcloud.sagemaker.connections import Connections, ModelAnswer, request_head
from localcloud.sagemaker.containers import Container, Program
from localcloud.sagemaker.service import Region

_SERVER = Path(__file__).with_name("model_server.py")
_PING = request_head("GET", "/ping", {}, 0)
_HEALTHY = 200


class HealthCheckError(Exception):
    """Raised when a model server ended, or did not answer /ping with 200 in time; the message is AWS's."""


@dataclass(frozen=True)
class Blueprint:
    """What every instance of a variant is made from; `code` is as the program sees it. An instance writes to the
    stream `<stream>/<its name>` of the log group."""

    variant: str
    log_group: str
    stream: str
    image: Image
    workspace: Path
    code: str
    environment: dict[str, str]
    isolated: bool
    health_check_seconds: float


class Instance:
    """A running model server. `on_exit` is called once, from a thread of its own, when the process has ended."""

    def __init__(self, region: Region, blueprint: Blueprint, on_exit: Callable[["Instance"], None]) -> None:
        self._region = region
        self._blueprint = blueprint
        self._on_exit = on_exit
        self.name = f"i-{uuid.uuid4().hex[:17]}"
        self.wanted = True
        listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        with listener:
            self._connections = Connections(listener.getsockname()[1])
            self._program = self._spawn(listener.fileno())
        self._process = self._program.process
        region.cloud.faults.started("sagemaker", "Instance", blueprint.log_group, self._kill)
        threading.Thread(target=self._watch, name=self.name, daemon=True).start()

    def wait_until_healthy(self) -> None:
        """The model answers /ping with 200. Raises HealthCheckError."""
        try:
            answer = self._connections.exchange(_PING, b"", self._blueprint.health_check_seconds)
        except OSError as error:
            raise HealthCheckError(self._unhealthy()) from error
        if answer.status != _HEALTHY:
            raise HealthCheckError(self._unhealthy())

    def invoke(self, head: bytes, body: bytes, timeout: float) -> ModelAnswer:
        """The model's answer. Raises InstanceGoneError or TimeoutError."""
        return self._connections.exchange(head, body, timeout)

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def process_id(self) -> int:
        """Id of the process, to look at what it uses."""
        return self._process.pid

    def stop(self) -> None:
        """The process has ended, which is not reported."""
        self.wanted = False
        self._region.cloud.processes.kill(self._process)
        self._connections.close()

    def _kill(self) -> None:
        self._region.cloud.processes.kill(self._process)

    def _spawn(self, descriptor: int) -> Program:
        plan = self._blueprint
        python = str(plan.image.python)
        container = Container(
            image=plan.image,
            workspace=plan.workspace,
            argv=[python, "-P", "-u", str(_SERVER), "--descriptor", str(descriptor), "--code", plan.code],
            environment=plan.environment,
            isolated=plan.isolated,
            nice=5,
            pass_fds=(descriptor,),
        )
        return containers.start(self._region.cloud, container)

    def _watch(self) -> None:
        for pump in self._program.pump(self._write_logs):
            pump.join()
        self._process.wait()
        if self.wanted and not self._region.cloud.stopping.is_set():
            self._region.cloud.processes.kill(self._process)
            self._on_exit(self)

    def _write_logs(self, _host: str, lines: list[tuple[int, str]]) -> None:
        plan, region = self._blueprint, self._region
        region.cloud.write_logs(plan.log_group, f"{plan.stream}/{self.name}", lines, region=region.name)

    def _unhealthy(self) -> str:
        return (
            f"The primary container for production variant {self._blueprint.variant} did not pass the ping health "
            "check. Please check CloudWatch logs for this endpoint."
        )
