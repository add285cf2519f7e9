"""A container's program as a process: its paths under /opt/ml, its environment, its network, its output as logs."""

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

_ISOLATE = Path(__file__).with_name("isolate.py")
_READ_BYTES = 65_536
_FLUSH_SECONDS = 0.25
_LOST_PIPE_SECONDS = 1.0
_MOST_LINE_BYTES = 262_144 - 26
_MOST_LINES = 200
Lines = Callable[[list[tuple[int, str]]], None]


@dataclass(frozen=True)
class Container:
    """What to run. `ml` is the folder that the program sees as /opt/ml; `workspace` is its home."""

    image: Image
    workspace: Path
    argv: list[str]
    environment: dict[str, str]
    isolated: bool = False
    nice: int = 10
    pass_fds: tuple[int, ...] = field(default=())

    @property
    def ml(self) -> Path:
        """The folder behind /opt/ml."""
        return self.workspace / "ml"


def make_workspace(cloud: Cloud, kind: str, name: str) -> Path:
    """An empty folder of this job or instance."""
    workspace = cloud.state_dir / "sagemaker" / kind / name
    shutil.rmtree(workspace, ignore_errors=True)
    (workspace / "ml").mkdir(parents=True)
    (workspace / "hosts").write_text("127.0.0.1 localhost algo-1\n")
    return workspace


def start(cloud: Cloud, container: Container) -> "subprocess.Popen[bytes]":
    """The program runs; what it writes can be read from its `stdout`."""
    namespaces = cloud.processes.namespaces
    isolation = [sys.executable, "-I", "-S", str(_ISOLATE)] if container.isolated and namespaces else []
    return cloud.processes.spawn(
        [*isolation, *container.argv],
        env=_environment(container, namespaces),
        cwd=container.workspace,
        mounts=_mounts(container) if namespaces else None,
        stdout=subprocess.PIPE,
        pass_fds=container.pass_fds,
        nice=container.nice,
    )


def credentials(region: Region, role_arn: str, source_arn: str) -> dict[str, str]:
    """The environment of a program that acts as the role, against this cloud."""
    keys = region.credentials(role_arn, source_arn)
    return {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_SESSION_TOKEN": keys.token or "",
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
        **fallback,
        **container.environment,
    }


def _mounts(container: Container) -> Mounts:
    """/opt/ml is the container's own; what else the host keeps in /opt (maybe the interpreter) stays where it is."""
    host = tuple((path, str(path), False) for path in sorted(Path("/opt").glob("*")) if path.name != "ml")
    venv = container.image.python.parent.parent
    own = (
        (container.ml, "/opt/ml", False),
        (container.workspace / "hosts", "/etc/hosts", True),
        (venv, str(venv), True),
    )
    return Mounts(tmpfs=("/opt",), binds=(*host, *own))


class LogPump(threading.Thread):
    """Reads a program's output to its end and hands on whole lines, with the real time at which they came."""

    def __init__(self, process: "subprocess.Popen[bytes]", receive: Lines) -> None:
        super().__init__(daemon=True, name=f"logs-{process.pid}")
        self._process = process
        self._receive = receive
        self._rest = b""

    def run(self) -> None:
        """The output has ended, or the program has and something it left behind keeps the pipe open."""
        if self._process.stdout is None:
            return
        descriptor = self._process.stdout.fileno()
        batch: list[tuple[int, str]] = []
        ended = False
        while not ended:
            ready, _, _ = select.select([descriptor], [], [], _FLUSH_SECONDS if batch else _LOST_PIPE_SECONDS)
            data = os.read(descriptor, _READ_BYTES) if ready else None
            ended = data == b"" or (data is None and self._process.poll() is not None)
            batch += self._lines(data or b"", ended)
            if batch and (data is None or ended or len(batch) >= _MOST_LINES):
                self._hand_on(batch)
                batch = []

    def _hand_on(self, batch: list[tuple[int, str]]) -> None:
        try:
            self._receive(batch)
        except Exception:  # a reader that ended would block the program on its full pipe
            traceback.print_exc()

    def _lines(self, data: bytes, ended: bool) -> list[tuple[int, str]]:
        now = int(time.time() * 1000)
        *whole, self._rest = (self._rest + data).split(b"\n")
        if ended and self._rest:
            whole, self._rest = [*whole, self._rest], b""
        return [(now, line[:_MOST_LINE_BYTES].decode("utf-8", "replace").rstrip("\r")) for line in whole if line]
