"""The servers that are compared, each in a process of its own on a free port."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

ROOT = Path(__file__).resolve().parents[2]
MINISTACK = ROOT / ".cache" / "peers" / "ministack" / "bin" / "ministack"
REGION = "us-east-1"
_START_SECONDS = 60


@dataclass(frozen=True)
class Running:
    """A server that answers, and what its start took."""

    name: str
    endpoint: str
    account: str
    pid: int
    started_in: float

    def client(self, service: str) -> Any:
        """A boto3 client of its administrator, without retries."""
        make: Any = boto3.client
        return make(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def megabytes(self) -> float:
        """Resident memory of the server's process, without its children."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


@dataclass(frozen=True)
class Subject:
    """How to start a server: `command(port, folder)` and its environment."""

    name: str
    account: str
    command: Callable[[int, Path], list[str]]
    environment: Callable[[int], dict[str, str]]

    @contextmanager
    def running(self) -> Iterator[Running]:
        """The server answers; it and its files are gone afterwards."""
        port, folder = _free_port(), Path(tempfile.mkdtemp(prefix="benchmark-"))
        with (folder / "output").open("wb") as output:
            began = time.perf_counter()
            process = self._start(port, folder, output)
            try:
                _wait_until_it_answers(port, process)
                took = time.perf_counter() - began
                yield Running(self.name, f"http://127.0.0.1:{port}", self.account, process.pid, took)
            finally:
                process.terminate()
                process.wait(30)
                shutil.rmtree(folder, ignore_errors=True)

    def _start(self, port: int, folder: Path, output: IO[bytes]) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, **self.environment(port)}
        return subprocess.Popen(self.command(port, folder), cwd=ROOT, env=environment, stdout=output, stderr=output)


def subjects() -> list[Subject]:
    """The local cloud, plain moto and, when `make peers` has installed it, ministack."""
    here = Path(sys.executable).parent
    local_cloud = Subject(
        "local cloud",
        "123456789012",
        lambda port, folder: [sys.executable, "-m", "localcloud", "--port", str(port), "--state-dir", str(folder)],
        lambda _port: {},
    )
    moto = Subject(
        "moto",
        "123456789012",
        lambda port, _folder: [str(here / "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        lambda _port: {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
    )
    ministack = Subject(
        "ministack",
        "000000000000",
        lambda _port, _folder: [str(MINISTACK)],
        lambda port: {"GATEWAY_PORT": str(port), "MINISTACK_HOST": "127.0.0.1", "LOG_LEVEL": "ERROR"},
    )
    return [local_cloud, moto, *([ministack] if MINISTACK.exists() else [])]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(port: int, process: "subprocess.Popen[bytes]") -> None:
    """A first S3 call was answered: an open port alone is not a server that is ready."""
    make: Any = boto3.client
    client = make(
        "s3",
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=1, s3={"addressing_style": "path"}),
    )
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            client.list_buckets()
        except (OSError, BotoCoreError, ClientError) as error:
            _give_up(process, deadline, error)
        else:
            return
        time.sleep(0.02)


def _give_up(process: "subprocess.Popen[bytes]", deadline: float, error: Exception) -> None:
    if process.poll() is not None or time.monotonic() > deadline:
        raise RuntimeError(f"the server did not start: {json.dumps(process.args, default=str)}") from error
