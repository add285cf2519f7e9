"""Lambda functions really run: what they see, how they fail, and what becomes of their outcome."""

import io
import json
import os
import signal
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud
from .lambda_support import WHO, Bench, Eventually, make_bench, zipped


@pytest.fixture(scope="module")
def bench(cloud: LocalCloud) -> Bench:
    return make_bench(cloud)


def test_an_environment_is_reused_and_keeps_its_globals(bench: Bench) -> None:
    name = bench.function("calls = []\ndef handler(event, context):\n    calls.append(1)\n    return len(calls)")
    assert [bench.invoke(name).value for _ in range(3)] == [1, 2, 3]
    assert "Init Duration" not in bench.invoke(name).log


def test_an_environment_is_stopped_between_invocations(bench: Bench, eventually: Eventually) -> None:
    name = bench.function(WHO)
    process = bench.invoke(name).value
    eventually(lambda: process_state(process) == "T", 30)
    assert bench.invoke(name).value == process


def process_state(process: int) -> str:
    """The state letter of a process in /proc: T is stopped, Z is dead."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def all_threads_ended(process: int) -> bool:
    """Whether a process can be waited for: its first thread may be dead while others still are not."""
    return process_state(process) == "Z" and len(list(Path(f"/proc/{process}/task").iterdir())) == 1


def test_a_function_over_its_time_is_ended_and_replaced(bench: Bench) -> None:
    name = bench.function(
        "import time\ndef handler(event, context):\n    time.sleep(30 if event else 0)\n    return 'done'", Timeout=1
    )
    outcome = bench.invoke(name, True)
    assert outcome.error == "Unhandled"
    assert outcome.value["errorType"] == "Sandbox.Timedout"
    assert outcome.value["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert "Status: timeout" in outcome.log
    assert bench.invoke(name, False).value == "done"


def test_a_function_over_its_memory_is_ended(bench: Bench) -> None:
    name = bench.function(
        "import time\n"
        "def handler(event, context):\n"
        "    held = []\n"
        "    while True:\n"
        "        held.append(bytearray(8_000_000))\n"
        "        time.sleep(0.01)\n",
        MemorySize=128,
    )
    outcome = bench.invoke(name)
    assert outcome.value["errorType"] == "Runtime.OutOfMemory"
    assert outcome.value["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert "Max Memory Used: 128 MB" in outcome.log


def test_a_function_sees_the_paths_of_aws_and_a_tmp_of_its_own(bench: Bench) -> None:
    name = bench.function(
        "import os\n"
        "def handler(event, context):\n"
        "    try:\n"
        "        open('/var/task/x', 'w')\n"
        "    except OSError as error:\n"
        "        refused = error.strerror\n"
        "    seen = os.listdir('/tmp')\n"
        "    open('/tmp/mine', 'w').close()\n"
        "    return [os.getcwd(), os.listdir('/var/task'), seen, refused]\n"
    )
    directory, task, seen, refused = bench.invoke(name).value
    assert (directory, seen, refused) == ("/var/task", [], "Read-only file system")
    assert "app.py" in task
    assert not Path("/tmp/mine").exists()


def test_a_function_runs_as_its_role(bench: Bench) -> None:
    name = bench.function(
        "import boto3\ndef handler(event, context):\n    return boto3.client('sts').get_caller_identity()['Arn']"
    )
    role_name = bench.role.rpartition("/")[2]
    assert bench.invoke(name).value == f"arn:aws:sts::123456789012:assumed-role/{role_name}/{name}"


def test_a_functions_environment_is_what_aws_gives(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    name = bench.function(
        "import os\ndef handler(event, context):\n    return dict(os.environ)",
        Environment={"Variables": {"COLOUR": "blue"}},
    )
    seen = bench.invoke(name).value
    assert seen["COLOUR"] == "blue"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert seen["LAMBDA_TASK_ROOT"] == "/var/task"
    assert seen["AWS_ENDPOINT_URL"] == bench.cloud.endpoint
    assert "VIRTUAL_ENV" not in seen


def test_new_configuration_and_code_take_effect_at_once(bench: Bench) -> None:
    code = "import os\ndef handler(event, context):\n    return os.environ.get('COLOUR')"
    name = bench.function(code)
    assert bench.invoke(name).value is None
    bench.api.update_function_configuration(FunctionName=name, Environment={"Variables": {"COLOUR": "red"}})
    assert bench.invoke(name).value == "red"
    changed = zipped({"app.py": "def handler(event, context):\n    return 'new code'"})
    bench.api.update_function_code(FunctionName=name, ZipFile=changed)
    assert bench.invoke(name).value == "new code"


def test_code_that_is_too_large_is_refused_and_the_old_code_stays(bench: Bench) -> None:
    name = bench.function("def handler(event, context):\n    return 'old code'")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("app.py", "")
        archive.writestr("zeros", bytes(262_144_001))
    with pytest.raises(ClientError, match="exceeds the maximum allowed size of 262144000 bytes"):
        bench.api.update_function_code(FunctionName=name, ZipFile=buffer.getvalue())
    assert bench.invoke(name).value == "old code"


def test_logs_arrive_in_the_log_group_with_multi_line_records_whole(bench: Bench, eventually: Eventually) -> None:
    group = f"/shared/{uuid.uuid4().hex[:8]}"
    name = bench.function(
        "import logging\n"
        "logging.getLogger().setLevel('INFO')\n"
        "def handler(event, context):\n"
        "    print('printed')\n"
        "    logging.info('one\\ntwo')\n",
        LoggingConfig={"LogGroup": group},
    )
    bench.invoke(name)
    logs = bench.cloud.client("logs")

    def messages() -> list[str]:
        try:
            return [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

    eventually(lambda: any(text.startswith("REPORT") for text in messages()), 30)
    found = messages()
    assert "printed" in found
    assert any(text.endswith("one\ntwo") for text in found)
    stream = logs.describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"]
    assert f"/{name}[$LATEST]" in stream


def test_an_embedded_metric_becomes_a_metric(bench: Bench, eventually: Eventually) -> None:
    space = f"Test-{uuid.uuid4().hex[:8]}"
    name = bench.function(
        "import json, time\n"
        "def handler(event, context):\n"
        "    metric = {'Namespace': event, 'Dimensions': [['model']], 'Metrics': [{'Name': 'Rows', 'Unit': 'Count'}]}\n"
        "    about = {'Timestamp': int(time.time() * 1000), 'CloudWatchMetrics': [metric]}\n"
        "    print(json.dumps({'_aws': about, 'model': 'flights', 'Rows': 7}))\n"
    )
    bench.invoke(name, space)
    cloudwatch = bench.cloud.client("cloudwatch")
    metrics = eventually(lambda: cloudwatch.list_metrics(Namespace=space)["Metrics"], 30)
    assert metrics[0]["MetricName"] == "Rows"
    assert metrics[0]["Dimensions"] == [{"Name": "model", "Value": "flights"}]


def test_invocations_and_errors_are_counted(bench: Bench, eventually: Eventually) -> None:
    name = bench.function("def handler(event, context):\n    1 / event")
    bench.invoke(name, 1)
    bench.invoke(name, 0)
    cloudwatch = bench.cloud.client("cloudwatch")

    def total(metric: str) -> float:
        data = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            StartTime="2020-01-01T00:00:00Z",
            EndTime="2100-01-01T00:00:00Z",
            Period=86_400,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in data["Datapoints"]))

    eventually(lambda: total("Invocations") == 2, 30)
    assert total("Errors") == 1


def test_reserved_concurrency_throttles(bench: Bench) -> None:
    name = bench.function("import time\ndef handler(event, context):\n    time.sleep(3)")
    bench.api.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)

    def invoke(_number: int) -> str:
        try:
            bench.invoke(name)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "ran"

    with ThreadPoolExecutor(5) as pool:
        results = sorted(pool.map(invoke, range(5)))
    assert results == ["TooManyRequestsException"] * 3 + ["ran"] * 2


@pytest.mark.parametrize(("kind", "size"), [("RequestResponse", 6_291_457), ("Event", 1_048_577)])
def test_a_too_large_payload_is_refused(bench: Bench, kind: str, size: int) -> None:
    name = bench.function("def handler(event, context): pass")
    with pytest.raises(ClientError, match="Request must be smaller than"):
        bench.api.invoke(FunctionName=name, InvocationType=kind, Payload=json.dumps("x" * (size - 2)))


def test_a_traced_function_is_not_disturbed_by_tracing(bench: Bench, eventually: Eventually) -> None:
    name = bench.function(
        "import json, os, socket\n"
        "def handler(event, context):\n"
        "    host, port = os.environ['AWS_XRAY_DAEMON_ADDRESS'].split(':')\n"
        "    trace = dict(part.split('=') for part in os.environ['_X_AMZN_TRACE_ID'].split(';'))\n"
        "    segment = {'id': 'a' * 16, 'trace_id': trace['Root'], 'name': 'part', 'start_time': 1, 'end_time': 2}\n"
        "    text = json.dumps({'format': 'json', 'version': 1}) + chr(10) + json.dumps(segment)\n"
        "    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(text.encode(), (host, int(port)))\n"
        "    return trace\n",
        TracingConfig={"Mode": "Active"},
    )
    trace = bench.invoke(name).value
    assert trace["Sampled"] == "1"
    xray = bench.cloud.client("xray")
    traces = eventually(lambda: xray.batch_get_traces(TraceIds=[trace["Root"]])["Traces"], 30)
    assert json.loads(traces[0]["Segments"][0]["Document"])["name"] == "part"


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"Runtime": "nodejs22.x"}, "does not run the Lambda runtime nodejs22.x"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "Reserved keys"),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "SnapStart"),
    ],
)
def test_what_cannot_run_is_refused_when_it_is_created(
    bench: Bench, configuration: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        bench.function("def handler(event, context): pass", **configuration)


def test_a_killed_process_is_replaced(bench: Bench, eventually: Eventually) -> None:
    name = bench.function(WHO)
    first = bench.invoke(name).value
    os.kill(first, signal.SIGKILL)
    eventually(lambda: all_threads_ended(first), 30)
    second = bench.invoke(name)
    assert second.error is None
    assert second.value != first


def test_the_processes_of_a_deleted_function_end(bench: Bench, eventually: Eventually) -> None:
    name = bench.function(WHO)
    process = bench.invoke(name).value
    bench.api.delete_function(FunctionName=name)
    eventually(lambda: not Path(f"/proc/{process}").exists(), 30)


def test_a_fault_plan_kills_the_process_of_a_function(bench: Bench) -> None:
    name = bench.function("import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'")
    assert bench.invoke(name, 0).value == "done"
    fault = {"kind": "kill", "service": "lambda", "resource": name, "times": 1, "seconds": 0.1}
    bench.cloud.admin("faults", {"seed": 1, "faults": [fault]})
    try:
        killed = bench.invoke(name, 20)
    finally:
        bench.cloud.admin("faults", {"seed": 1, "faults": []})
    assert killed.error == "Unhandled"
    assert killed.value["errorMessage"].endswith("Runtime exited with error: signal: killed")
    assert bench.invoke(name, 0).value == "done"
