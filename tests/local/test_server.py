"""The server as a process: who may talk to it, what it refuses, how it starts and stops."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from .conftest import ROOT, LocalCloud, start_local_cloud, wait_until

KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
HOSTILE_HEADERS = [
    {"Host": "evil.test"},
    {"Host": "127.0.0.1.evil.test:{port}"},
    {"Host": "127.0.0.1"},
    {"Host": "localhost:1"},
    {"Host": "bucket.s3.amazonaws.com:{port}"},
    {"Host": ""},
    {"Origin": "http://evil.test"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
]


def status_of(cloud: LocalCloud, path: str, headers: dict[str, str], method: str = "GET") -> tuple[int, dict[str, str]]:
    port = int(cloud.endpoint.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port)
    given = {"Host": "127.0.0.1:{port}"} | headers
    connection.putrequest(method, path, skip_host=True)
    for name, value in given.items():
        connection.putheader(name, value.format(port=port))
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}


@pytest.mark.parametrize("path", ["/", "/_local/status", "/bucket/key", "/moto-api/reset"])
@pytest.mark.parametrize("headers", HOSTILE_HEADERS, ids=lambda headers: repr(headers))
def test_requests_of_foreign_hosts_and_origins_are_refused(
    cloud: LocalCloud, path: str, headers: dict[str, str]
) -> None:
    status, answer = status_of(cloud, path, headers)
    assert status == (421 if "Host" in headers else 403)
    assert not [name for name in answer if name.startswith("access-control")]


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}"])
def test_its_own_names_are_accepted(cloud: LocalCloud, host: str) -> None:
    assert status_of(cloud, "/_local/status", {"Host": host})[0] == 200


def test_no_answer_has_cross_origin_headers(cloud: LocalCloud) -> None:
    answer = status_of(cloud, "/", {"Access-Control-Request-Method": "PUT"}, "OPTIONS")[1]
    assert not [name for name in answer if name.startswith("access-control")]


def test_motos_own_api_is_closed(cloud: LocalCloud) -> None:
    assert status_of(cloud, "/moto-api/reset", {}, "POST")[0] == 403


@pytest.mark.parametrize(
    ("service", "operation", "given"),
    [
        pytest.param("ec2", "RunInstances", {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1}, id="a service"),
        pytest.param("databrew", "SendProjectSessionAction", {"Name": "one"}, id="a service that moto lacks, too"),
        pytest.param("lambda", "GetAccountSettings", {}, id="a path that moto lacks"),
        pytest.param("iam", "SimulateCustomPolicy", {"PolicyInputList": ["{}"], "ActionNames": ["s3:GetObject"]}),
        pytest.param("ssm", "SendCommand", {"DocumentName": "AWS-RunShellScript"}, id="recorded only"),
        pytest.param("monitoring", "PutInsightRule", {"RuleName": "one", "RuleDefinition": "{}"}, id="recorded, CBOR"),
        pytest.param("lambda", "CreateFunctionUrlConfig", {"FunctionName": "one", "AuthType": "NONE"}),
        pytest.param("s3", "GetBucketRequestPayment", {"Bucket": "any-bucket"}, id="taken for a list of objects"),
        pytest.param(
            "s3",
            "UpdateObjectEncryption",
            {"Bucket": "any-bucket", "Key": "one", "ObjectEncryption": {"SSEKMS": {"KMSKeyArn": KEY}}},
            id="taken for a write of the object",
        ),
    ],
)
def test_an_operation_that_nobody_built_is_a_client_error_that_names_it(
    cloud: LocalCloud, service: str, operation: str, given: dict[str, Any]
) -> None:
    client = cloud.client("cloudwatch" if service == "monitoring" else service)
    with pytest.raises(ClientError) as refused:
        getattr(client, xform_name(operation))(**given)
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["Error"]["Code"] == "UnknownOperationException"
    assert f"{service}:{operation}" in answer["Error"]["Message"]


def test_what_was_changed_in_moto_is_listed_with_reasons(cloud: LocalCloud) -> None:
    patches = cloud.admin("patches")
    assert "moto.s3.responses:S3Response._get_checksum" in {patch["target"] for patch in patches}
    assert all(patch["reason"] and patch["kind"] in ("replaced", "added") for patch in patches)


def test_the_clock_jumps_and_changes_speed(cloud: LocalCloud) -> None:
    before = cloud.admin("clock")["now"]
    cloud.advance(3600)
    assert cloud.admin("clock")["now"] > before
    cloud.set_speed(60)
    assert cloud.admin("status")["speed"] == 60
    cloud.set_speed(1)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[LocalCloud, "subprocess.Popen[bytes]"]]:
    running, process = start_local_cloud(tmp_path)
    yield running, process
    process.kill()
    process.wait()


def test_it_stops_on_sigterm_and_leaves_nothing(own: tuple[LocalCloud, "subprocess.Popen[bytes]"]) -> None:
    running, process = own
    running.client("s3").list_buckets()
    process.terminate()
    assert process.wait(10) == 0
    assert not (running.state_dir / "server.json").exists()


def test_nothing_is_left_after_it_was_killed(own: tuple[LocalCloud, "subprocess.Popen[bytes]"]) -> None:
    _, process = own
    watcher = [pid for pid in children(process.pid) if "watcher.py" in command_of(pid)]
    assert watcher
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: not any(command_of(pid) for pid in watcher), 5)


def children(pid: int) -> list[int]:
    return [int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def refused_start(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "localcloud", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_a_port_in_use_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = refused_start("--port", str(port), "--state-dir", str(tmp_path))
    assert answer.returncode == 2
    assert answer.stderr.strip() == f"Port {port} cannot be used (Address already in use): choose another with --port."


def test_a_missing_dependency_is_one_clear_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-S", "-m", "localcloud", "--port", "0", "--state-dir", str(tmp_path)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert answer.returncode == 2
    assert answer.stderr.strip() == "No module named 'boto3': run `make setup`, which installs the locked dependencies."


def test_a_second_cloud_on_the_same_state_is_refused(own: tuple[LocalCloud, "subprocess.Popen[bytes]"]) -> None:
    running, _ = own
    answer = refused_start("--port", "0", "--state-dir", str(running.state_dir))
    assert answer.returncode == 2
    assert "already running" in answer.stderr
