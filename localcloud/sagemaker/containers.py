"""A container's program as processes: paths under /opt/ml, environment, credentials, network, output as logs."""

import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.cloud import Cloud
from localcloud.images.environments import Image
from localcloud.processes import Mounts
from localcloud.sagemaker.service import Region

_HOSTS = Path(__file__).with_name("hosts.py")
_READ_BYTES = 65_536
_FLUSH_SECONDS = 0.25
_LOST_PIPE_SECONDS = 1.0
_MOST_LINE_BYTES = 262_144 - 26
_MOST_LINES = 200
_networks = itertools.count(1)
Lines = Callable[[str, list[tuple[int, str]]], None]


@dataclass(frozen=True)
class Container:
    """What to run, in a `workspace` that `make_workspace` made: once for each of its hosts."""

    image: Image
    workspace: Path
    argv: list[str]
    environment: dict[str, str]
    isolated: bool = False
    nice: int = 10
    pass_fds: tuple[int, ...] = field(default=())

    @property
    def ml(self) -> Path:
        """The folder behind /opt/ml of the first host."""
        return self.workspace / "algo-1"

    @property
    def hosts(self) -> list[str]:
        """Names of the hosts."""
        return host_names(len(list(self.workspace.glob("algo-*"))))


@dataclass(frozen=True)
class Program:
    """A running container: one process, and for each host the descriptor that its output can be read from."""

    process: "subprocess.Popen[bytes]"
    outputs: dict[str, int]

    def pump(self, receive: Lines) -> "list[LogPump]":
        """Every host's output is handed to `receive`, line by line, by threads that have been started."""
        pumps = [LogPump(self.process, host, descriptor, receive) for host, descriptor in self.outputs.items()]
        for pump in pumps:
            pump.start()
        return pumps


def host_names(count: int) -> list[str]:
    """algo-1 to algo-<count>."""
    return [f"algo-{index}" for index in range(1, count + 1)]


def make_workspace(cloud: Cloud, kind: str, name: str, hosts: int = 1) -> Path:
    """A folder of this job or instance with an empty folder, its /opt/ml, for each host.

    The hosts of a cluster have loopback addresses of their own, so that each can listen on the same port.
    """
    workspace = cloud.state_dir / "sagemaker" / kind / name
    shutil.rmtree(workspace, ignore_errors=True)
    network = next(_networks)
    lines = ["127.0.0.1 localhost"]
    for index, host in enumerate(host_names(hosts), start=1):
        (workspace / host).mkdir(parents=True)
        address = f"127.{network // 250 % 250 + 1}.{network % 250}.{index}" if hosts > 1 else "127.0.0.1"
        lines.append(f"{address} {host}")
    (workspace / "hosts").write_text("\n".join(lines) + "\n")
    return workspace


def start(cloud: Cloud, container: Container) -> Program:
    """The program runs on every host."""
    pipes = {host: os.pipe() for host in container.hosts} if len(container.hosts) > 1 else {}
    namespaces, writers = cloud.processes.namespaces, tuple(write for _, write in pipes.values())
    specification = json.dumps({"isolated": container.isolated, "outputs": writers})
    wrapped = namespaces and (container.isolated or writers)
    process = cloud.processes.spawn(
        [*([sys.executable, "-I", "-S", str(_HOSTS), specification] if wrapped else []), *container.argv],
        env=_environment(container, namespaces),
        cwd=container.workspace,
        mounts=_mounts(container) if namespaces else None,
        stdout=writers[0] if writers else subprocess.PIPE,
        pass_fds=(*container.pass_fds, *writers),
        nice=container.nice,
    )
    for writer in writers:
        os.close(writer)
    lone = {} if process.stdout is None or pipes else {"algo-1": process.stdout.fileno()}
    return Program(process, lone or {host: read for host, (read, _) in pipes.items()})


def credentials(region: Region, role_arn: str, source_arn: str) -> dict[str, str]:
    """The environment of a program that acts as the role, against this cloud.

    As in AWS's containers, the keys come from an address that the SDKs ask again before they expire.
    """
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": region.cloud.endpoint + region.credentials_path(role_arn, source_arn),
        "AWS_ENDPOINT_URL": region.cloud.endpoint,
        "S3_ENDPOINT_URL": region.cloud.endpoint,
    }


def _environment(container: Container, namespaces: bool) -> dict[str, str]:
    fallback = {} if namespaces else {"SAGEMAKER_BASE_DIR": str(container.ml), "SM_STUDIO_LOCAL_MODE": "true"}
    return {
        "PATH": f"{container.image.python.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(container.workspace),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **container.image.environment,
        **fallback,
        **container.environment,
    }


def _mounts(container: Container) -> Mounts:
    """/opt/ml is the container's own; what else the host keeps in /opt (maybe the interpreter) stays where it is."""
    host = tuple((path, str(path), False) for path in sorted(Path("/opt").glob("*")) if path.name != "ml")
    venv, hosts = container.image.python.parent.parent, container.hosts
    cluster = ((container.workspace / name, f"/opt/hosts/{name}", False) for name in hosts if len(hosts) > 1)
    own = (
        (container.ml, "/opt/ml", False),
        (container.workspace / "hosts", "/etc/hosts", True),
        (venv, str(venv), True),
    )
    return Mounts(tmpfs=("/opt",), binds=(*host, *cluster, *own))


class LogPump(threading.Thread):
    """Reads one host's output to its end and hands on whole lines, with the real time at which they came."""

    def __init__(self, process: "subprocess.Popen[bytes]", host: str, descriptor: int, receive: Lines) -> None:
        super().__init__(daemon=True, name=f"logs-{process.pid}-{host}")
        self._process = process
        self._host = host
        self._descriptor = descriptor
        self._receive = receive
        self._rest = b""

    def run(self) -> None:
        """The output has ended, or the program has and something it left behind keeps the pipe open."""
        batch: list[tuple[int, str]] = []
        ended = False
        while not ended:
            ready, _, _ = select.select([self._descriptor], [], [], _FLUSH_SECONDS if batch else _LOST_PIPE_SECONDS)
            data = os.read(self._descriptor, _READ_BYTES) if ready else None
            ended = data == b"" or (data is None and self._process.poll() is not None)
            batch += self._lines(data or b"", ended)
            if batch and (data is None or ended or len(batch) >= _MOST_LINES):
                self._hand_on(batch)
                batch = []
        self._close()

    def _close(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()
        else:
            os.close(self._descriptor)

    def _hand_on(self, batch: list[tuple[int, str]]) -> None:
        try:
            self._receive(self._host, batch)
        except Exception:  # a reader that ended would block the program on its full pipe
            traceback.print_exc()

    def _lines(self, data: bytes, ended: bool) -> list[tuple[int, str]]:
        now = int(time.time() * 1000)
        *whole, self._rest = (self._rest + data).split(b"\n")
        if ended and self._rest:
            whole, self._rest = [*whole, self._rest], b""
        return [(now, line[:_MOST_LINE_BYTES].decode("utf-8", "replace").rstrip("\r")) for line in whole if line]


def wait(program: Program, seconds: float) -> None:
    """The program has ended, or `seconds` have passed."""
    try:
        program.process.wait(seconds)
    except subprocess.TimeoutExpired:
        return
