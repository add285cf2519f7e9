"""Lambda: what callers of functions get, what becomes of events, versions and aliases, and queues as event sources."""

import base64
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account, allow, zipped

pytestmark = pytest.mark.lambda_

LATEST = "$LATEST"
FAILS = "def handler(event, context):\n    raise ValueError('never')"
ECHO = "def handler(event, context):\n    return event"
READS_QUEUES = allow("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
SENDS = allow("sqs:SendMessage")
RETRY_SECONDS = 60
REPORTS = (
    "import json\n"
    "def handler(event, context):\n"
    "    bodies = [record['body'] for record in event['Records']]\n"
    "    print('BATCH', json.dumps(bodies))\n"
    "    bad = [r['messageId'] for r in event['Records'] if 'bad' in r['body']]\n"
    "    return {'batchItemFailures': [{'itemIdentifier': one} for one in bad]}\n"
)


def invoke(account: Account, arn: str, event: Any = None) -> tuple[Any, dict[str, Any]]:
    """What the function returned, and the rest of Invoke's answer with the log as text."""
    answer = account.client("lambda").invoke(FunctionName=arn, Payload=json.dumps(event), LogType="Tail")
    answer["Log"] = base64.b64decode(answer["LogResult"]).decode()
    return json.loads(answer["Payload"].read()), answer


def publish(account: Account, arn: str, source: str) -> str:
    """The number of a new version whose code is `source`."""
    functions = account.client("lambda")
    functions.update_function_code(FunctionName=arn, ZipFile=zipped({"index.py": source}))
    functions.get_waiter("function_updated_v2").wait(FunctionName=arn)
    return str(functions.publish_version(FunctionName=arn)["Version"])


def send_event(account: Account, arn: str, event: Any) -> None:
    answer = account.client("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=json.dumps(event))
    assert answer["StatusCode"] == 202


def map_queue(account: Account, arn: str, queue_arn: str, **settings: Any) -> str:
    """The id of a mapping that is enabled."""
    functions = account.client("lambda")
    created = functions.create_event_source_mapping(FunctionName=arn, EventSourceArn=queue_arn, **settings)
    assert created["State"] in ("Creating", "Enabled")
    uuid = str(created["UUID"])
    account.later(functions.delete_event_source_mapping, UUID=uuid)
    account.wait_until(lambda: functions.get_event_source_mapping(UUID=uuid)["State"] == "Enabled")
    return uuid


def in_queue(account: Account, url: str) -> int:
    """How many messages a queue holds, in sight or not."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = account.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def batches(account: Account, arn: str) -> list[Any]:
    """The bodies of each batch that a function has printed."""
    logs, group = account.client("logs"), f"/aws/lambda/{arn.split(':')[6]}"
    try:
        events = logs.filter_log_events(logGroupName=group)["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    lines = [event["message"] for event in events if event["message"].startswith("BATCH ")]
    return [json.loads(line.removeprefix("BATCH ")) for line in lines]


def test_an_answer_says_which_version_ran_and_ends_the_log_with_a_report(account: Account) -> None:
    arn = account.function(ECHO)
    value, answer = invoke(account, arn, {"a": 1})
    assert (value, answer["StatusCode"], answer["ExecutedVersion"]) == ({"a": 1}, 200, LATEST)
    assert "FunctionError" not in answer
    request_id = answer["ResponseMetadata"]["RequestId"]
    for line in (f"START RequestId: {request_id} Version: {LATEST}", f"END RequestId: {request_id}"):
        assert line in answer["Log"]
    assert "Init Duration" in answer["Log"]
    assert "Init Duration" not in invoke(account, arn)[1]["Log"]


def test_an_error_tells_its_type_its_message_and_where_it_happened(account: Account) -> None:
    value, answer = invoke(account, account.function(FAILS))
    assert answer["FunctionError"] == "Unhandled"
    assert (value["errorType"], value["errorMessage"]) == ("ValueError", "never")
    assert 'File "/var/task/index.py", line 2, in handler' in value["stackTrace"][0]
    assert value["requestId"] == answer["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize(
    ("source", "error_type", "message"),
    [
        ("import no_such_module", "Runtime.ImportModuleError", "No module named 'no_such_module'"),
        ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'index'"),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'index'"),
    ],
)
def test_an_error_at_the_start_is_told_to_the_caller(
    account: Account, source: str, error_type: str, message: str
) -> None:
    value, answer = invoke(account, account.function(source))
    assert (answer["FunctionError"], value["errorType"]) == ("Unhandled", error_type)
    assert message in value["errorMessage"]


def test_a_function_that_takes_too_long_is_ended_and_starts_anew(account: Account) -> None:
    source = "import time\ndef handler(event, context):\n    time.sleep(30 if event else 0)\n    return 'done'"
    arn = account.function(source, Timeout=1)
    value, answer = invoke(account, arn, True)
    assert answer["FunctionError"] == "Unhandled"
    assert value["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert invoke(account, arn, False)[0] == "done"


def test_a_process_over_its_memory_or_that_exits_is_an_error(account: Account) -> None:
    source = "import os\ndef handler(event, context):\n    os._exit(3) if event else bytearray(900_000_000)"
    arn = account.function(source, MemorySize=128)
    assert invoke(account, arn, True)[0]["errorMessage"].endswith("Runtime exited with error: exit status 3")
    assert invoke(account, arn, False)[1]["FunctionError"] == "Unhandled"


def test_requests_and_answers_over_six_megabytes_are_refused(account: Account) -> None:
    arn = account.function("def handler(event, context):\n    return 'x' * int(event)")
    with pytest.raises(ClientError) as refused:
        invoke(account, arn, "x" * 6_291_456)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert len(invoke(account, arn, 6_000_000)[0]) == 6_000_000
    value, answer = invoke(account, arn, 6_400_000)
    assert (answer["FunctionError"], value["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")


def test_a_dry_run_only_asks_whether_one_may(account: Account) -> None:
    arn = account.function(FAILS)
    stranger = account.as_role("lambda", allow("lambda:GetFunction", on=arn))
    assert account.client("lambda").invoke(FunctionName=arn, InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(ClientError, match="AccessDenied"):
        stranger.invoke(FunctionName=arn, InvocationType="DryRun")


def test_a_failed_event_is_tried_three_times_and_then_a_dead_letter(account: Account) -> None:
    url, queue_arn = account.queue()
    arn = account.function(FAILS, SENDS, DeadLetterConfig={"TargetArn": queue_arn})
    send_event(account, arn, {"a": 1})
    (message,) = received_over_time(account, url)
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert json.loads(message["Body"]) == {"a": 1}
    assert (attributes["ErrorCode"], attributes["ErrorMessage"]) == ("200", "never")


def received_over_time(account: Account, url: str) -> list[dict[str, Any]]:
    """The first messages of a queue, while time goes by in steps as long as a retry waits."""

    def look() -> Any:
        account.pass_time(RETRY_SECONDS)
        return account.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages")

    found: list[dict[str, Any]] = account.wait_until(look, 30)
    return found


def test_the_outcome_of_an_event_goes_to_the_destination_for_it(account: Account) -> None:
    url, queue_arn = account.queue()
    arn = account.function("def handler(event, context):\n    return 1 / event['by']", SENDS)
    to_queue = {"Destination": queue_arn}
    account.client("lambda").put_function_event_invoke_config(
        FunctionName=arn, MaximumRetryAttempts=0, DestinationConfig={"OnSuccess": to_queue, "OnFailure": to_queue}
    )
    for by in (1, 0):
        send_event(account, arn, {"by": by})
    records = {r["requestPayload"]["by"]: r for r in (json.loads(m["Body"]) for m in account.receive(url, 2))}
    assert records[1]["requestContext"]["condition"] == "Success"
    assert (records[1]["responsePayload"], records[1]["responseContext"]["statusCode"]) == (1.0, 200)
    assert records[0]["requestContext"]["condition"] == "RetriesExhausted"
    assert records[0]["requestContext"]["approximateInvokeCount"] == 1
    assert records[0]["responseContext"]["functionError"] == "Unhandled"
    assert records[0]["responsePayload"]["errorType"] == "ZeroDivisionError"


def test_no_concurrency_throttles_callers_and_lets_events_grow_too_old(account: Account) -> None:
    url, queue_arn = account.queue()
    arn, functions = account.function(ECHO, SENDS), account.client("lambda")
    functions.put_function_concurrency(FunctionName=arn, ReservedConcurrentExecutions=0)
    assert functions.get_function_concurrency(FunctionName=arn)["ReservedConcurrentExecutions"] == 0
    with pytest.raises(ClientError) as refused:
        invoke(account, arn)
    assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert refused.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    functions.put_function_event_invoke_config(
        FunctionName=arn,
        MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": queue_arn}},
    )
    send_event(account, arn, 1)
    (message,) = received_over_time(account, url)
    context = json.loads(message["Body"])["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("EventAgeExceeded", 0)


def test_an_account_keeps_a_hundred_executions_that_nobody_reserves(account: Account) -> None:
    with pytest.raises(ClientError, match="decreases account's UnreservedConcurrentExecution below its minimum"):
        account.client("lambda").put_function_concurrency(
            FunctionName=account.function(ECHO), ReservedConcurrentExecutions=10_000
        )


def test_a_weighted_alias_shares_its_invocations_between_two_versions(account: Account) -> None:
    arn, functions = account.function("def handler(event, context):\n    return 'one'"), account.client("lambda")
    one = str(functions.publish_version(FunctionName=arn)["Version"])
    two = publish(account, arn, "def handler(event, context):\n    return 'two'")
    weights = {"AdditionalVersionWeights": {two: 0.5}}
    functions.create_alias(FunctionName=arn, Name="live", FunctionVersion=one, RoutingConfig=weights)
    answers = [invoke(account, f"{arn}:live") for _ in range(24)]
    assert {(value, answer["ExecutedVersion"]) for value, answer in answers} == {("one", one), ("two", two)}
    functions.update_alias(FunctionName=arn, Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    assert {invoke(account, f"{arn}:live")[0] for _ in range(6)} == {"one"}


def test_an_alias_cannot_share_with_the_latest_code_nor_with_itself(account: Account) -> None:
    arn, functions = account.function(ECHO), account.client("lambda")
    version = str(functions.publish_version(FunctionName=arn)["Version"])
    refusals = (
        (LATEST, {version: 0.1}, "not supported for an alias pointing to more than 1 version"),
        (version, {version: 0.1}, "already included in routing configuration"),
    )
    for target, weights, reason in refusals:
        with pytest.raises(ClientError, match=reason):
            functions.create_alias(
                FunctionName=arn,
                Name="live",
                FunctionVersion=target,
                RoutingConfig={"AdditionalVersionWeights": weights},
            )


def test_a_queue_feeds_a_function_with_records_in_awss_shape(account: Account) -> None:
    url, queue_arn = account.queue()
    source = "import json\ndef handler(event, context):\n    print('BATCH', json.dumps(event['Records']))"
    arn = account.function(source, READS_QUEUES)
    map_queue(account, arn, queue_arn)
    attribute = {"colour": {"DataType": "String", "StringValue": "blue"}}
    sent = account.client("sqs").send_message(QueueUrl=url, MessageBody="hello", MessageAttributes=attribute)
    ((record,),) = account.wait_until(lambda: batches(account, arn), 30)
    assert record["attributes"].keys() >= {
        "ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"
    }  # fmt: skip
    assert record["messageAttributes"]["colour"] == {
        "stringValue": "blue", "stringListValues": [], "binaryListValues": [], "dataType": "String"
    }  # fmt: skip
    assert {name: record[name] for name in ("messageId", "body", "md5OfBody", "eventSource", "eventSourceARN")} == {
        "messageId": sent["MessageId"],
        "body": "hello",
        "md5OfBody": sent["MD5OfMessageBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
    }
    account.wait_until(lambda: in_queue(account, url) == 0)


def test_messages_that_a_function_reports_come_again_and_end_in_the_dead_letter_queue(account: Account) -> None:
    dead_url, dead_arn = account.queue()
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    url, queue_arn = account.queue(VisibilityTimeout="2", RedrivePolicy=redrive)
    arn = account.function(REPORTS, READS_QUEUES, Timeout=2)
    map_queue(account, arn, queue_arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(("good", "bad", "fine"))]
    account.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    account.wait_until(lambda: any("bad" in batch for batch in batches(account, arn)), 30)
    (dead,) = received_over_time(account, dead_url)
    assert dead["Body"] == "bad"
    seen = account.wait_until(lambda: at_least([body for batch in batches(account, arn) for body in batch], 4))
    assert sorted(seen) == ["bad", "bad", "fine", "good"]
    assert in_queue(account, url) == 0


def test_messages_that_no_filter_lets_in_are_deleted_without_a_run(account: Account) -> None:
    url, queue_arn = account.queue()
    arn = account.function(REPORTS, READS_QUEUES)
    wanted = {"Filters": [{"Pattern": json.dumps({"body": {"size": [{"numeric": [">", 10]}]}})}]}
    map_queue(account, arn, queue_arn, FilterCriteria=wanted)
    bodies = ("no json", json.dumps({"size": 1}), json.dumps({"size": 300}))
    for body in bodies:
        account.client("sqs").send_message(QueueUrl=url, MessageBody=body)
    assert account.wait_until(lambda: batches(account, arn), 30) == [[bodies[2]]]
    account.wait_until(lambda: in_queue(account, url) == 0)


def test_a_batching_window_collects_messages(account: Account) -> None:
    url, queue_arn = account.queue()
    arn = account.function(REPORTS, READS_QUEUES)
    map_queue(account, arn, queue_arn, BatchSize=20, MaximumBatchingWindowInSeconds=20)
    bodies = [f"message {n}" for n in range(12)]
    for body in bodies:
        account.client("sqs").send_message(QueueUrl=url, MessageBody=body)
    account.pass_time(25)
    account.wait_until(lambda: sum(len(batch) for batch in batches(account, arn)) == len(bodies), 30)
    assert max(len(batch) for batch in batches(account, arn)) > 1


def test_a_mapping_runs_no_more_batches_at_once_than_it_may(account: Account) -> None:
    url, queue_arn = account.queue()
    source = (
        "import json, time\n"
        "def handler(event, context):\n"
        "    began = time.time()\n"
        "    time.sleep(0.5)\n"
        "    print('BATCH', json.dumps([began, time.time()]))\n"
    )
    arn = account.function(source, READS_QUEUES)
    map_queue(account, arn, queue_arn, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    for number in range(6):
        account.client("sqs").send_message(QueueUrl=url, MessageBody=str(number))
    runs = account.wait_until(lambda: at_least(batches(account, arn), 6), 30)
    assert max(sum(began <= moment < ended for began, ended in runs) for moment, _ in runs) == 2


def at_least(found: list[Any], count: int) -> list[Any] | None:
    return found if len(found) >= count else None


def test_mappings_that_cannot_work_are_refused(account: Account) -> None:
    functions, (_, queue_arn) = account.client("lambda"), account.queue()
    arn, powerless = account.function(ECHO, READS_QUEUES), account.function(ECHO)
    _, hasty_arn = account.queue(VisibilityTimeout="5")
    refusals: tuple[tuple[str, str, dict[str, Any], str], ...] = (
        (arn, queue_arn + "-absent", {}, "The specified queue does not exist"),
        (arn, hasty_arn, {}, "Queue visibility timeout: 5 seconds is less than Function timeout: 30 seconds"),
        (powerless, queue_arn, {}, "does not have permissions to call ReceiveMessage on SQS"),
        (arn, queue_arn, {"BatchSize": 100}, "Maximum batch window in seconds must be greater than 0"),
        (arn, queue_arn, {"FilterCriteria": {"Filters": [{"Pattern": "text"}]}}, "Invalid filter pattern definition"),
    )
    for function, source, settings, reason in refusals:
        with pytest.raises(ClientError, match=reason):
            functions.create_event_source_mapping(FunctionName=function, EventSourceArn=source, **settings)
    map_queue(account, arn, queue_arn)
    with pytest.raises(ClientError, match="already exists"):
        functions.create_event_source_mapping(FunctionName=arn, EventSourceArn=queue_arn)


def test_a_disabled_mapping_leaves_its_messages_alone(account: Account) -> None:
    url, queue_arn = account.queue()
    arn, functions = account.function(REPORTS, READS_QUEUES), account.client("lambda")
    uuid = map_queue(account, arn, queue_arn)
    functions.update_event_source_mapping(UUID=uuid, Enabled=False)
    account.wait_until(lambda: functions.get_event_source_mapping(UUID=uuid)["State"] == "Disabled")
    account.client("sqs").send_message(QueueUrl=url, MessageBody="wait")
    account.pass_time(5)
    assert (in_queue(account, url), batches(account, arn)) == (1, [])
    functions.update_event_source_mapping(UUID=uuid, Enabled=True)
    account.wait_until(lambda: batches(account, arn) == [["wait"]], 30)


def test_segments_of_a_traced_function_can_be_read(account: Account) -> None:
    source = "import os\ndef handler(event, context):\n    return os.environ['_X_AMZN_TRACE_ID']"
    traces = allow("xray:PutTraceSegments", "xray:PutTelemetryRecords")
    arn = account.function(source, traces, TracingConfig={"Mode": "Active"})
    header = dict(part.split("=") for part in invoke(account, arn)[0].split(";")[:3])
    xray = account.client("xray")

    def documents() -> list[dict[str, Any]]:
        found = xray.batch_get_traces(TraceIds=[header["Root"]])["Traces"]
        return [json.loads(segment["Document"]) for trace in found for segment in trace["Segments"]]

    by_origin = {one["origin"]: one for one in account.wait_until(documents, 30)}
    function = by_origin["AWS::Lambda::Function"]
    assert (header["Sampled"], function["id"]) == ("1", header["Parent"])
    assert function["parent_id"] == by_origin["AWS::Lambda"]["id"]
    assert function["start_time"] <= time.time() + 1
