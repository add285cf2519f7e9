"""State machines on the running local cloud."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud, wait_until
from .durability_support import Restarting
from .events_support import ACCOUNT, Stage, unique

HANDLER = """
import os

class TransientError(Exception):
    pass

seen = []

def handler(event, context):
    seen.append(event)
    if event.get("exit"):
        os._exit(3)
    if event.get("fail_until", 0) >= len(seen):
        raise TransientError(f"attempt {len(seen)}")
    return {"attempts": len(seen), "got": event}
"""
ABSENT_MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:absent"
ABSENT_TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:absent"
INVOKE = "arn:aws:states:::lambda:invoke"


@pytest.fixture(scope="module")
def stage(own_cloud: LocalCloud) -> Stage:
    return Stage(own_cloud)


@pytest.fixture
def function(stage: Stage) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("handler.py", HANDLER)
    name = unique("function")
    stage.cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="handler.handler",
        Role=stage.role("lambda.amazonaws.com"),
        Code={"ZipFile": archive.getvalue()},
        Timeout=10,
    )
    return name


def task(resource: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **more}


def test_a_lambda_task_gives_payload_and_status(stage: Stage, function: str) -> None:
    machine = stage.machine({"Call": task(INVOKE, {"FunctionName": function, "Payload.$": "$"})})
    ended = stage.outcome(machine, {"month": 1})
    assert ended["status"] == "SUCCEEDED", ended
    output = json.loads(ended["output"])
    assert output["Payload"] == {"attempts": 1, "got": {"month": 1}}
    assert output["StatusCode"] == 200


def test_a_function_that_dies_is_a_failure_with_a_name(stage: Stage, function: str) -> None:
    ended = stage.outcome(stage.machine({"Call": task(INVOKE, {"FunctionName": function, "Payload": {"exit": True}})}))
    assert ended["status"] == "FAILED"
    assert ended["error"] in ("Lambda.Unknown", "Runtime.ExitError")


def test_a_missing_function_is_named_by_lambdas_model(stage: Stage) -> None:
    ended = stage.outcome(stage.machine({"Call": task(INVOKE, {"FunctionName": "absent", "Payload": {}})}))
    assert ended["error"] == "Lambda.ResourceNotFoundException"
    assert "Service: AWSLambda; Status Code: 404" in ended["cause"]


def test_sdk_calls_use_pascal_case_and_javas_error_names(stage: Stage) -> None:
    bucket = stage.bucket()
    states = {
        "Put": {**task("arn:aws:states:::aws-sdk:s3:putObject", {"Bucket": bucket, "Key": "k", "Body": {"a": 1}})},
        "Get": task("arn:aws:states:::aws-sdk:s3:getObject", {"Bucket": bucket, "Key": "k"}, ResultPath="$.got"),
        "Miss": task("arn:aws:states:::aws-sdk:s3:getObject", {"Bucket": bucket, "Key": "absent"}),
    }
    for name, following in (("Put", "Get"), ("Get", "Miss")):
        states[name] |= {"Next": following}
        del states[name]["End"]
    execution = stage.start(stage.machine(states))
    ended = stage.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "S3.NoSuchKeyException"), ended
    events = stage.cloud.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    got = [
        json.loads(event["stateExitedEventDetails"]["output"]) for event in events if "stateExitedEventDetails" in event
    ]
    assert json.loads(got[1]["got"]["Body"]) == {"a": 1}
    assert got[1]["got"]["LastModified"].endswith("Z")


@pytest.mark.parametrize(
    ("resource", "parameters", "error"),
    [
        ("arn:aws:states:::aws-sdk:dynamodb:getItem", {"TableName": "absent", "Key": {"a": {"S": "b"}}}, "DynamoDb."),
        ("arn:aws:states:::aws-sdk:sfn:describeStateMachine", {"StateMachineArn": ABSENT_MACHINE}, "Sfn."),
        ("arn:aws:states:::aws-sdk:eventbridge:describeRule", {"Name": "absent"}, "EventBridge."),
        ("arn:aws:states:::sagemaker:createModel", {"ModelName": "m", "ExecutionRoleArn": "no"}, "SageMaker."),
        ("arn:aws:states:::sns:publish", {"TopicArn": ABSENT_TOPIC, "Message": "x"}, "SNS."),
    ],
)  # fmt: skip
def test_errors_carry_the_services_name(stage: Stage, resource: str, parameters: dict[str, Any], error: str) -> None:
    ended = stage.outcome(stage.machine({"Call": task(resource, parameters)}))
    assert ended["status"] == "FAILED"
    assert ended["error"].startswith(error), ended
    assert ended["error"].endswith("Exception")


def test_integrations_reach_events_queues_topics_and_tables(stage: Stage) -> None:
    queue, seen = stage.queue(), stage.queue()
    sns, dynamodb, table = stage.cloud.client("sns"), stage.cloud.client("dynamodb"), unique("table")
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    stage.rule({"source": ["machine"]}, Arn=seen.arn)
    entry = {"Source": "machine", "DetailType": "Done", "Detail": {"n": 1}}
    branches = [
        task("arn:aws:states:::events:putEvents", {"Entries": [entry]}),
        task("arn:aws:states:::sqs:sendMessage", {"QueueUrl": queue.url, "MessageBody": {"via": "sqs"}}),
        task("arn:aws:states:::sns:publish", {"TopicArn": topic, "Message": {"via": "sns"}}),
        task("arn:aws:states:::dynamodb:putItem", {"TableName": table, "Item": {"id": {"S": "a"}}}),
    ]
    parallel = {
        "Type": "Parallel",
        "Branches": [{"StartAt": "Do", "States": {"Do": branch}} for branch in branches],
        "End": True,
    }
    ended = stage.outcome(stage.machine({"All": parallel}))
    assert ended["status"] == "SUCCEEDED", ended
    assert sorted(body["via"] for body in queue.bodies(2)) == ["sns", "sqs"]
    (event,) = seen.bodies()
    assert event["detail"] == {"n": 1}
    assert [arn.split(":")[5] for arn in event["resources"]] == ["stateMachine", "execution"]
    assert dynamodb.get_item(TableName=table, Key={"id": {"S": "a"}})["Item"] == {"id": {"S": "a"}}


READER, WRITER = "arn:aws:states:::s3:getObject", "arn:aws:states:::s3:putObject"


def fan_out(**more: Any) -> dict[str, Any]:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    return {"Type": "Map", "ItemProcessor": processor, "End": True, **more}


def test_waits_and_retries_pass_with_the_virtual_clock(stage: Stage) -> None:
    machine = stage.machine({"Wait": {"Type": "Wait", "Seconds": 7200, "Next": "Done"}, "Done": {"Type": "Succeed"}})
    execution = stage.start(machine)
    wait_until(lambda: "WaitStateEntered" in stage.history(execution), 10)
    assert stage.described(execution)["status"] == "RUNNING"
    stage.cloud.advance(7201)
    ended = stage.ended(execution, 5)
    assert ended["status"] == "SUCCEEDED"
    assert 7200 <= (ended["stopDate"] - ended["startDate"]).total_seconds() < 7300


def test_a_jump_of_the_clock_does_not_time_out_work_that_has_only_begun(stage: Stage, function: str) -> None:
    state = task(INVOKE, {"FunctionName": function, "Payload": {}}, TimeoutSeconds=600)
    execution = stage.start(stage.machine({"Call": state}, TimeoutSeconds=3600))
    stage.cloud.advance(7200)
    assert stage.ended(execution)["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (task("arn:aws:states:::glue:startJobRun.sync", {"JobName": "x"}), "does not run"),
        (task("arn:aws:states:::sagemaker:createEndpoint.sync", {"EndpointName": "x"}), "does not run"),
        (task("arn:aws:states:::aws-sdk:s3:makeCoffee", {}), "not an action"),
        (task("arn:aws:states:::aws-sdk:nonsense:getObject", {}), "not an action"),
        (task("arn:aws:states:::sagemaker:updateEndpoint", {"EndpointNam": "x"}), "not supported"),
        (task("arn:aws:states:::sagemaker:createModel", {}, Credentials={"RoleArn": "r"}), "Credentials"),
        ({"Type": "Pass", "QueryLanguage": "JSONata", "End": True}, "JSONPath only"),
        (fan_out(ResultWriter={"Resource": WRITER, "Parameters": {}, "WriterConfig": {}}), "WriterConfig"),
        (fan_out(ItemReader={"Resource": READER, "ReaderConfig": {"InputType": "MANIFEST"}}), "reads items"),
    ],
)
def test_a_definition_that_cannot_run_is_refused_when_it_is_created(
    stage: Stage, state: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ClientError, match=reason) as raised:
        stage.machine({"Do": state})
    assert raised.value.response["Error"]["Code"] == "InvalidDefinition"


def test_only_standard_machines_are_created(stage: Stage) -> None:
    with pytest.raises(ClientError, match="Standard workflows only"):
        stage.cloud.client("stepfunctions").create_state_machine(
            name=unique("express"), type="EXPRESS", roleArn=stage.role("states.amazonaws.com"), definition="{}"
        )


def test_what_a_kill_has_ended_is_redriven_where_it_stood(tmp_path: Path) -> None:
    running = Restarting(tmp_path)
    stage = Stage(running.cloud)
    wait = {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "Wait", "States": wait}
    each = {"Type": "Map", "ItemProcessor": processor, "End": True}
    execution = stage.start(stage.machine({"First": {"Type": "Pass", "Next": "Each"}, "Each": each}), [1, 2])

    def children() -> list[str]:
        sfn = running.cloud.client("stepfunctions")
        runs = sfn.list_map_runs(executionArn=execution)["mapRuns"]
        found = [sfn.list_executions(mapRunArn=run["mapRunArn"])["executions"] for run in runs]
        return sorted(child["executionArn"] for listed in found for child in listed)

    wait_until(lambda: len(children()) == 2, 10)
    wait_until(lambda: all("WaitStateEntered" in stage.history(child) for child in children()), 10)
    before = children()
    stage = Stage(running.restart())
    ended = stage.ended(execution)
    assert (ended["status"], ended["redriveStatus"]) == ("FAILED", "REDRIVABLE")
    running.cloud.client("stepfunctions").redrive_execution(executionArn=execution)
    wait_until(lambda: all(stage.history(child).count("WaitStateEntered") == 2 for child in before), 10)
    running.cloud.advance(3700)
    assert json.loads(stage.ended(execution)["output"]) == [1, 2]
    assert stage.history(execution).count("PassStateEntered") == 1
    assert children() == before
    running.stop()


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("validate_state_machine_definition", {"definition": "{}"}),
        ("update_map_run", {"mapRunArn": ABSENT_MACHINE, "maxConcurrency": 1}),
        ("get_activity_task", {"activityArn": ABSENT_MACHINE}),
    ],
)
def test_operations_that_nobody_built_are_refused_by_name(stage: Stage, operation: str, given: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match=operation.title().replace("_", "")) as refused:
        getattr(stage.cloud.client("stepfunctions"), operation)(**given)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
