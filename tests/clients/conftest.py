"""Clients that nobody here wrote, each in an environment of its own, against a local cloud of their own."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..local.conformance.account import Account
from ..local.conformance.workshop import Workshop
from ..local.conftest import LocalCloud, start_local_cloud
from .environments import environment

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True)
class Client:
    """A client's environment, pointed at the cloud as a user's shell would be."""

    programs: Path
    cloud: LocalCloud
    home: Path

    def run(self, program: str, *arguments: str, succeeds: bool = True) -> str:
        """What a program of the environment wrote to its output."""
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=self.home,
            env=self._environment(),
            capture_output=True,
            text=True,
        )
        assert (done.returncode == 0) == succeeds, f"{done.stdout}\n{done.stderr}"
        return done.stdout if succeeds else done.stderr

    def script(self, name: str, *arguments: str) -> Any:
        """What a script of the folder `programs` printed as its last line of output, which is JSON."""
        return json.loads(self.run("python", str(PROGRAMS / name), *arguments).strip().splitlines()[-1])

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.pathsep.join([str(self.programs), "/usr/bin", "/bin"]),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "AWS_ENDPOINT_URL": self.cloud.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The local cloud of all clients."""
    running, process = start_local_cloud(tmp_path_factory.mktemp("localcloud"))
    yield running
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="session")
def client(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Client]:
    """`client("awscli")`: the client of that lock file."""
    return lambda name: Client(environment(name), cloud, tmp_path_factory.mktemp(name))


@pytest.fixture(scope="session")
def workshop(cloud: LocalCloud) -> Iterator[Workshop]:
    """A bucket and a role for SageMaker."""
    account = Account("us-east-1", "123456789012", cloud)
    with account.undo:
        yield Workshop(account)
