"""Step Functions: starting and stopping executions, their history and its limit, their events and logs."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account
from .machines import Machines

pytestmark = pytest.mark.stepfunctions


@pytest.fixture
def machines(account: Account) -> Machines:
    return Machines(account)


def waiting(seconds: int = 86400) -> dict[str, Any]:
    """A state that waits."""
    return {"Wait": {"Type": "Wait", "Seconds": seconds, "End": True}}


def code_of(refused: Any) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_a_stopped_execution_is_aborted_with_error_and_cause(account: Account, machines: Machines) -> None:
    machine = machines.create(waiting())
    execution = machines.start(machine)
    account.wait_until(lambda: "WaitStateEntered" in machines.kinds(execution))
    machines.client.stop_execution(executionArn=execution, error="Superseded", cause="a newer drop")
    found = machines.described(execution)
    assert (found["status"], found["error"], found["cause"]) == ("ABORTED", "Superseded", "a newer drop")
    account.wait_until(lambda: machines.kinds(execution)[-1] == "ExecutionAborted")
    listed = machines.client.list_executions(stateMachineArn=machine, statusFilter="ABORTED")["executions"]
    assert [shown["executionArn"] for shown in listed] == [execution]


def test_a_machine_that_waits_longer_than_it_may_times_out(account: Account, machines: Machines) -> None:
    execution = machines.start(machines.create(waiting(7200), TimeoutSeconds=60))
    account.wait_until(lambda: "WaitStateEntered" in machines.kinds(execution))
    account.pass_time(70)
    assert machines.ended(execution)["status"] == "TIMED_OUT"


def test_a_name_starts_one_execution(machines: Machines) -> None:
    machine = machines.create(waiting())
    first = machines.start(machine, {"a": 1}, name="drop-1")
    assert machines.start(machine, {"a": 1}, name="drop-1") == first
    with pytest.raises(ClientError) as refused:
        machines.start(machine, {"a": 2}, name="drop-1")
    assert code_of(refused) == "ExecutionAlreadyExists"
    machines.client.stop_execution(executionArn=first)
    unnamed = {machines.start(machine).rsplit(":", 1)[-1] for _ in range(2)}
    assert {len(name) for name in unnamed} == {36}
    assert len(unnamed) == 2


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"input": json.dumps("x" * 262_144)}, "ValidationException"),
        ({"input": "{"}, "InvalidExecutionInput"),
        ({"name": "not valid!*"}, "InvalidName"),
    ],
)
def test_a_start_with_wrong_input_is_refused(machines: Machines, given: dict[str, str], code: str) -> None:
    machine = machines.create({"Done": {"Type": "Succeed"}})
    with pytest.raises(ClientError) as refused:
        machines.client.start_execution(stateMachineArn=machine, **given)
    assert code_of(refused) == code


def test_every_change_of_status_is_an_event(account: Account, machines: Machines) -> None:
    failing = machines.create({"No": {"Type": "Fail", "Error": "Bad", "Cause": "on purpose"}})
    passing = machines.create({"Done": {"Type": "Pass", "End": True}})
    url = event_queue(account, {"source": ["aws.states"], "detail": {"stateMachineArn": [failing, passing]}})
    good = machines.start(passing, {"a": 1}, name="named")
    machines.ended(good)
    machines.outcome(failing)
    details = {(found["stateMachineArn"], found["status"]): found for found in received(account, url, 4)}
    succeeded, failed = details[passing, "SUCCEEDED"], details[failing, "FAILED"]
    assert (succeeded["name"], succeeded["executionArn"]) == ("named", good)
    assert (json.loads(succeeded["input"]), json.loads(succeeded["output"])) == ({"a": 1}, {"a": 1})
    assert succeeded["stopDate"] >= succeeded["startDate"] > 1_000_000_000_000
    assert (failed["error"], failed["cause"], failed["output"]) == ("Bad", "on purpose", None)
    assert {(passing, "RUNNING"), (failing, "RUNNING")} <= details.keys()


def event_queue(account: Account, pattern: dict[str, Any]) -> str:
    """The URL of a queue to which a rule on the default bus sends the details of events."""
    (url, arn), events, rule = account.queue(), account.client("events"), account.unique("rule")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    account.later(events.delete_rule, Name=rule)
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn, "InputPath": "$.detail"}])
    account.later(events.remove_targets, Rule=rule, Ids=["queue"])
    return url


def received(account: Account, url: str, count: int) -> list[Any]:
    """The first `count` messages of a queue."""
    sqs, bodies = account.client("sqs"), list[Any]()

    def all_there() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            bodies.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(bodies) >= count

    account.wait_until(all_there)
    return bodies


@pytest.mark.parametrize(("level", "with_data", "logged"), [("ALL", True, 4), ("ALL", False, 4), ("ERROR", True, 1)])
def test_a_machine_logs_its_events_to_its_group(
    account: Account, machines: Machines, level: str, with_data: bool, logged: int
) -> None:
    logs, group = account.client("logs"), f"/aws/vendedlogs/states/{account.unique('group')}"
    logs.create_log_group(logGroupName=group)
    account.later(logs.delete_log_group, logGroupName=group)
    arn = f"arn:aws:logs:{account.region}:{account.number}:log-group:{group}:*"
    logging = {
        "level": level,
        "includeExecutionData": with_data,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}],
    }
    states = {"A": {"Type": "Pass", "Next": "No"}, "No": {"Type": "Fail", "Error": "Bad"}}
    machine = machines.create(states, loggingConfiguration=logging, tracingConfiguration={"enabled": True})
    found = machines.client.describe_state_machine(stateMachineArn=machine)
    assert (found["loggingConfiguration"], found["tracingConfiguration"]) == (logging, {"enabled": True})
    execution = machines.start(machine, {"a": 1})
    machines.ended(execution)

    def lines() -> list[dict[str, Any]]:
        events = logs.filter_log_events(logGroupName=group, filterPattern="").get("events", [])
        read = [json.loads(event["message"]) for event in events if "execution_arn" in event["message"]]
        return sorted(read, key=lambda line: int(line["id"]))

    account.wait_until(lambda: len(lines()) >= logged)
    last = lines()[-1]
    assert (last["type"], last["execution_arn"], last["details"]["error"]) == ("ExecutionFailed", execution, "Bad")
    if level == "ALL":
        assert ("input" in lines()[0]["details"]) is with_data


def test_the_history_can_be_read_backwards_and_in_pages(machines: Machines) -> None:
    execution = machines.start(machines.create({"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}))
    machines.ended(execution)
    forward = machines.kinds(execution)
    backward = machines.client.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=2)
    assert [event["type"] for event in backward["events"]] == forward[::-1][:2]
    pages = machines.client.get_paginator("get_execution_history").paginate(
        executionArn=execution, PaginationConfig={"PageSize": 2}
    )
    assert [event["type"] for page in pages for event in page["events"]] == forward


def test_an_execution_ends_when_its_history_is_full(account: Account, machines: Machines) -> None:
    states = {name: {"Type": "Pass", "Next": other} for name, other in (("Tick", "Tock"), ("Tock", "Tick"))}
    execution = machines.start(machines.create(states))
    ended = machines.ended(execution, 120)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert "maximum number of history events (25000)" in ended["cause"]
    assert ended["redriveStatus"] == "NOT_REDRIVABLE"
