"""Step Functions: errors, retries, callbacks, nested executions, redrive, and what is refused."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account, allow
from .machines import LAMBDA, Machines, distributed, task

pytestmark = pytest.mark.stepfunctions

NESTED = "arn:aws:states:::states:startExecution.sync:2"
GET = "arn:aws:states:::aws-sdk:s3:getObject"
FAILS_UNTIL = """
class TransientError(Exception):
    pass

seen = []

def handler(event, context):
    seen.append(event)
    if event.get("fail_until", 0) >= len(seen):
        raise TransientError(f"attempt {len(seen)}")
    return {"attempts": len(seen), "got": event}
"""


@pytest.fixture
def machines(account: Account) -> Machines:
    return Machines(account)


def code_of(refused: Any) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_retry_and_catch_name_a_functions_errors_by_their_class(account: Account, machines: Machines) -> None:
    function = account.function(FAILS_UNTIL)
    retry = [
        {
            "ErrorEquals": ["TransientError"],
            "IntervalSeconds": 1,
            "MaxAttempts": 2,
            "BackoffRate": 5,
            "MaxDelaySeconds": 2,
            "JitterStrategy": "FULL",
        }
    ]
    catch = [{"ErrorEquals": ["TransientError"], "ResultPath": "$.error", "Next": "Caught"}]
    states = {
        "Call": task(LAMBDA, {"FunctionName": function, "Payload.$": "$"}, Retry=retry, Catch=catch),
        "Caught": {"Type": "Pass", "End": True},
    }
    machine = machines.create(states)
    assert json.loads(machines.outcome(machine, {"fail_until": 2})["output"])["Payload"]["attempts"] == 3
    error = json.loads(machines.outcome(machine, {"fail_until": 99})["output"])["error"]
    assert error["Error"] == "TransientError"
    assert json.loads(error["Cause"])["errorMessage"] == "attempt 6"


def test_a_retry_waits_no_longer_than_its_longest_delay(account: Account, machines: Machines) -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 30, "MaxAttempts": 2, "MaxDelaySeconds": 31}]
    state = task(GET, {"Bucket": account.unique("no"), "Key": "k"}, Retry=retry)
    execution = machines.start(machines.create({"Get": state}))

    def has_ended() -> bool:
        account.pass_time(5)
        return bool(machines.described(execution)["status"] == "FAILED")

    account.wait_until(has_ended)
    events = machines.history(execution)
    scheduled = [event["timestamp"] for event in events if event["type"] == "TaskScheduled"]
    failed = [event["timestamp"] for event in events if event["type"] == "TaskFailed"]
    waited = [(later - earlier).total_seconds() for earlier, later in zip(failed, scheduled[1:], strict=False)]
    assert len(waited) == 2
    assert all(29 < seconds < 45 for seconds in waited), waited


@pytest.mark.parametrize(
    ("call", "parameters", "error"),
    [
        ("dynamodb:getItem", {"TableName": "absent", "Key": {"a": {"S": "b"}}}, "DynamoDb.ResourceNotFoundException"),
        ("eventbridge:describeRule", {"Name": "absent"}, "EventBridge.ResourceNotFoundException"),
        ("sqs:getQueueUrl", {"QueueName": "absent"}, "Sqs.QueueDoesNotExistException"),
    ],
)
def test_errors_of_sdk_calls_carry_the_services_name(
    machines: Machines, call: str, parameters: dict[str, Any], error: str
) -> None:
    ended = machines.outcome(machines.create({"Call": task(f"arn:aws:states:::aws-sdk:{call}", parameters)}))
    assert (ended["status"], ended["error"]) == ("FAILED", error), ended


def test_a_state_may_do_what_its_role_may(account: Account, machines: Machines) -> None:
    bucket = account.bucket()
    machine = machines.create({"Get": task(GET, {"Bucket": bucket, "Key": "k"})}, allow("sqs:SendMessage"))
    assert machines.outcome(machine)["error"] in ("S3.AccessDeniedException", "S3.S3Exception")


def asking(url: str, **more: Any) -> dict[str, Any]:
    ask = {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token"}}
    return task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", ask, **more)


def token_from(account: Account, url: str) -> str:
    sqs = account.client("sqs")
    (message,) = account.wait_until(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"))
    return str(json.loads(message["Body"])["token"])


def test_a_callback_ends_its_task_once(account: Account, machines: Machines) -> None:
    url, _arn = account.queue()
    machine = machines.create({"Ask": asking(url)})
    execution = machines.start(machine)
    token = token_from(account, url)
    with pytest.raises(ClientError) as refused:
        machines.client.send_task_success(taskToken=token, output="{")
    assert code_of(refused) == "InvalidOutput"
    machines.client.send_task_success(taskToken=token, output='{"ok": true}')
    assert json.loads(machines.ended(execution)["output"]) == {"ok": True}
    execution = machines.start(machine)
    machines.client.send_task_failure(taskToken=token_from(account, url), error="Refused", cause="by hand")
    ended = machines.ended(execution)
    assert (ended["error"], ended["cause"]) == ("Refused", "by hand")
    with pytest.raises(ClientError) as refused:
        machines.client.send_task_success(taskToken="unknown", output="{}")
    assert code_of(refused) == "InvalidToken"


def test_a_task_without_heartbeats_times_out_and_one_with_them_does_not(account: Account, machines: Machines) -> None:
    url, _arn = account.queue()
    machine = machines.create({"Ask": asking(url, HeartbeatSeconds=60, TimeoutSeconds=600)})
    execution = machines.start(machine)
    token = token_from(account, url)
    for _ in range(3):
        account.pass_time(40)
        machines.client.send_task_heartbeat(taskToken=token)
    assert machines.described(execution)["status"] == "RUNNING"
    account.pass_time(70)
    ended = machines.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")


def test_a_machine_waits_for_the_machine_it_starts(machines: Machines) -> None:
    twice = {"Type": "Pass", "Parameters": {"twice.$": "States.MathAdd($.n, $.n)"}, "End": True}
    child = machines.create({"Double": twice})
    start = {"StateMachineArn": child, "Input": {"n.$": "$.n"}}
    output = json.loads(machines.outcome(machines.create({"Start": task(NESTED, start)}), {"n": 21})["output"])
    assert (output["Status"], output["Output"]) == ("SUCCEEDED", {"twice": 42})
    failing = machines.create({"No": {"Type": "Fail", "Error": "Bad", "Cause": "on purpose"}})
    ended = machines.outcome(machines.create({"Start": task(NESTED, {"StateMachineArn": failing})}))
    assert ended["error"] == "States.TaskFailed"
    assert json.loads(ended["cause"])["Error"] == "Bad"


def test_a_redrive_runs_only_what_has_not_succeeded(account: Account, machines: Machines) -> None:
    bucket = account.bucket()
    get = task(GET, {"Bucket": bucket, "Key.$": "$"}, ResultPath="$.got") | {"InputPath": "$.key"}
    branch = {"StartAt": "Left", "States": {"Left": {"Type": "Pass", "End": True}}}
    other = {"StartAt": "Get", "States": {"Get": get}}
    each = {"StartAt": "Item", "States": {"Item": {"Type": "Pass", "End": True}}}
    states = {
        "First": {"Type": "Pass", "Result": "k", "ResultPath": "$.key", "Next": "All"},
        "All": {"Type": "Parallel", "Branches": [branch, other], "ResultPath": "$.all", "Next": "Each"},
        "Each": {"Type": "Map", "ItemsPath": "$.all", "ItemProcessor": each, "ResultPath": None, "End": True},
    }
    execution = machines.start(machines.create(states))
    ended = machines.ended(execution)
    assert (ended["status"], ended["error"], ended["redriveStatus"]) == (
        "FAILED",
        "S3.NoSuchKeyException",
        "REDRIVABLE",
    )
    before = machines.history(execution)
    account.client("s3").put_object(Bucket=bucket, Key="k", Body=b"found")
    machines.client.redrive_execution(executionArn=execution)
    ended = machines.ended(execution)
    assert (ended["status"], ended["redriveCount"]) == ("SUCCEEDED", 1), ended
    assert json.loads(ended["output"])["all"][1]["got"]["Body"] == "found"
    after = machines.history(execution)
    assert after[: len(before)] == before
    assert after[len(before)]["type"] == "ExecutionRedriven"
    assert [event["id"] for event in after] == list(range(1, len(after) + 1))
    names = machines.entered(execution)
    assert (names.count("First"), names.count("Left"), names.count("Item")) == (1, 1, 2)
    with pytest.raises(ClientError) as refused:
        machines.client.redrive_execution(executionArn=execution)
    assert code_of(refused) == "ExecutionNotRedrivable"


def test_the_context_object_counts_redrives(account: Account, machines: Machines) -> None:
    bucket = account.bucket()
    account.client("s3").put_object(Bucket=bucket, Key="redrive-1", Body=b"found")
    key = "States.Format('redrive-{}', $$.Execution.RedriveCount)"
    execution = machines.start(machines.create({"Get": task(GET, {"Bucket": bucket, "Key.$": key})}))
    assert machines.ended(execution)["error"] == "S3.NoSuchKeyException"
    machines.client.redrive_execution(executionArn=execution)
    assert machines.ended(execution)["status"] == "SUCCEEDED"


def test_a_state_that_gives_too_much_fails_by_name(account: Account, machines: Machines) -> None:
    function = account.function("def handler(event, context):\n    return 'x' * 263_000")
    state = task(LAMBDA, {"FunctionName": function}, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}])
    machine = machines.create({"Call": state, "Caught": {"Type": "Succeed"}})
    assert machines.outcome(machine)["error"] == "States.DataLimitExceeded"


def test_a_path_that_leads_nowhere_ends_the_execution_whatever_it_catches(machines: Machines) -> None:
    again = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    call = task(
        "arn:aws:states:::sqs:sendMessage", {"QueueUrl.$": "$.absent", "MessageBody": "x"}, Retry=again, Catch=catch
    )
    execution = machines.start(machines.create({"Call": call, "Caught": {"Type": "Succeed"}}))
    assert machines.ended(execution)["error"] == "States.Runtime"
    assert machines.entered(execution) == ["Call"]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (task("arn:aws:states:::aws-sdk:s3:makeCoffee", {}), "(?i)makeCoffee"),
        (task("arn:aws:states:::sagemaker:updateEndpoint", {"EndpointNam": "x"}), "EndpointNam"),
        ({"Type": "Pass", "Next": "Nowhere"}, "MISSING_TRANSITION_TARGET"),
        ({"Type": "Pass"}, "(?i)next|end"),
        ({"Type": "Nonsense", "End": True}, "Nonsense"),
    ],
)
def test_a_definition_that_cannot_run_is_refused_when_it_is_created(
    machines: Machines, state: Any, reason: str
) -> None:
    with pytest.raises(ClientError, match=reason) as refused:
        machines.create({"Do": state})
    assert code_of(refused) == "InvalidDefinition"


def test_a_machine_is_created_once(machines: Machines) -> None:
    machine = machines.create({"Done": {"Type": "Succeed"}})
    found = machines.client.describe_state_machine(stateMachineArn=machine)
    given = {"name": found["name"], "roleArn": found["roleArn"], "definition": found["definition"]}
    assert machines.client.create_state_machine(**given)["stateMachineArn"] == machine
    with pytest.raises(ClientError) as refused:
        machines.client.create_state_machine(**given | {"definition": json.dumps({"StartAt": "W", "States": {
            "W": {"Type": "Succeed"}}})})  # fmt: skip
    assert code_of(refused) == "StateMachineAlreadyExists"


def test_an_inline_map_fails_with_its_item_and_keeps_to_its_concurrency(machines: Machines) -> None:
    each = {"StartAt": "Item", "States": {"Item": {"Type": "Fail", "Error": "Bad"}}}
    catch = [{"ErrorEquals": ["Bad"], "Next": "Caught"}]
    state = {"Type": "Map", "ItemProcessor": each, "MaxConcurrency": 1, "Catch": catch, "End": True}
    execution = machines.start(machines.create({"Each": state, "Caught": {"Type": "Succeed"}}), [1, 2, 3])
    assert machines.ended(execution)["status"] == "SUCCEEDED"
    kinds = machines.kinds(execution)
    assert (kinds.count("MapIterationStarted"), kinds.count("MapIterationFailed")) == (1, 1)
    assert "MapStateFailed" in kinds


def test_a_distributed_map_inside_a_distributed_map_runs(machines: Machines) -> None:
    inner = distributed({"Done": {"Type": "Pass", "End": True}}, Label="Inner")
    assert json.loads(machines.outcome(machines.create({"Outer": distributed({"In": inner})}), [[1], [2, 3]])[
        "output"]) == [[1], [2, 3]]  # fmt: skip
