"""A running local cloud for the tests of its services: one process per test session, on a free port."""

import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localcloud.clients import Clients

from .iam_support import ClientOf, make_role

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
PROGRAM = (sys.executable, "-m", "localcloud")
# the same, but that its threads take turns as often as Python lets them
SWITCHING_PROGRAM = (
    sys.executable,
    "-c",
    "import sys; sys.setswitchinterval(1e-6); from localcloud.__main__ import main; main()",
)


@dataclass(frozen=True)
class LocalCloud:
    """How a test talks to the local cloud."""

    endpoint: str
    pid: int
    state_dir: Path
    log: Path

    def client(self, service: str, region: str = "us-east-1", key: str = "test", **more: Any) -> Any:
        """A boto3 client, by default the administrator's; give `key`, `secret` and `token` for somebody else's."""
        make: Any = boto3.client
        return make(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=more.get("secret", "test"),
            aws_session_token=more.get("token"),
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def admin(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer of the cloud's own API below /_local/: GET, or POST when there is a body."""
        request = urllib.request.Request(
            f"{self.endpoint}/_local/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def advance(self, seconds: float) -> None:
        """Virtual time has jumped ahead."""
        self.admin("clock", {"advance": seconds})

    def set_speed(self, speed: float) -> None:
        """Virtual time runs `speed` times as fast as real time."""
        self.admin("clock", {"speed": speed})

    def now(self) -> str:
        """Virtual time, ISO 8601."""
        return str(self.admin("status")["now"])


def start_local_cloud(
    folder: Path, *arguments: str, program: tuple[str, ...] = PROGRAM
) -> tuple[LocalCloud, "subprocess.Popen[bytes]"]:
    """A local cloud that is ready, with its state and log in `folder`."""
    log = folder / "server.log"
    command = [*program, "--port", "0", "--state-dir", str(folder), *arguments]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    ready = folder / "server.json"
    try:
        wait_until(
            lambda: ready.exists() or process.poll() is not None, START_SECONDS, lambda: f"not ready: {log.read_text()}"
        )
        assert process.poll() is None, log.read_text()
    except AssertionError:
        process.kill()
        raise
    found = json.loads(ready.read_text())
    return LocalCloud(found["endpoint"], found["pid"], folder, log), process


@contextlib.contextmanager
def running_cloud(folder: Path, program: tuple[str, ...] = PROGRAM) -> Iterator[LocalCloud]:
    """A local cloud for the meantime; in the end nothing in it would have been lost with its process."""
    cloud, process = start_local_cloud(folder, program=program)
    try:
        yield cloud
        assert cloud.admin("status")["not_kept"] == {}
    finally:
        process.terminate()
        process.wait(10)


def wait_until(holds: Callable[[], Any], seconds: float, otherwise: Callable[[], str] = lambda: "in time") -> Any:
    """The first true value of `holds`, polled; the test fails when there is none within `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.05)
    return value


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The session's local cloud."""
    with running_cloud(tmp_path_factory.mktemp("localcloud")) as running:
        yield running


@pytest.fixture(scope="module")
def own_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud for one module alone, whose clock its tests may move."""
    with running_cloud(tmp_path_factory.mktemp("localcloud")) as running:
        yield running


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """`eventually(holds, seconds)`: polls until `holds()` is true."""
    return wait_until


@pytest.fixture(scope="module")
def clients(cloud: LocalCloud) -> Clients:
    """Clients of the session's cloud, for any principal."""
    return Clients(cloud.endpoint, "us-east-1")


@pytest.fixture
def acting(cloud: LocalCloud, clients: Clients) -> Callable[..., ClientOf]:
    """`acting(statement, ...)` gives clients of a new role with exactly those statements."""

    def make(*statements: dict[str, Any]) -> ClientOf:
        arn = make_role(cloud, *statements)
        return lambda service: clients.as_role(arn, "lambda.amazonaws.com", "test", service)

    return make
