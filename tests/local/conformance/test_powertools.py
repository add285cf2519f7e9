"""Powertools for AWS Lambda, unchanged, in a layer: logger, metrics, tracer, idempotency and batch."""

import io
import json
import zipfile
from importlib.metadata import distribution
from typing import Any

import pytest

from .account import Account, allow

pytestmark = pytest.mark.lambda_

PACKAGES = ("aws-lambda-powertools", "aws-xray-sdk", "wrapt", "jmespath", "typing_extensions")
SOURCE = """
import os, uuid
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function

logger, tracer, metrics = Logger(), Tracer(), Metrics()
processor = BatchProcessor(event_type=EventType.SQS)
config = IdempotencyConfig(expires_after_seconds=3600)


@idempotent_function(data_keyword_argument="order", config=config,
                     persistence_store=DynamoDBPersistenceLayer(table_name=os.environ["TABLE"]))
def charge(order):
    return {"receipt": uuid.uuid4().hex}


def take(record):
    if record.body == "bad":
        raise ValueError(record.body)


@tracer.capture_method
def count():
    metrics.add_metric(name="Orders", unit=MetricUnit.Count, value=3)


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    logger.info("got it", order=event["order"])
    config.register_lambda_context(context)
    count()
    batch = process_partial_response(event=event, record_handler=take, processor=processor, context=context)
    return {"trace": os.environ["_X_AMZN_TRACE_ID"], "batch": batch, **charge(order=event["order"])}
"""


def record(body: str, number: int) -> dict[str, Any]:
    return {"messageId": str(number), "body": body, "eventSource": "aws:sqs", "attributes": {}, "messageAttributes": {}}


def layer(account: Account) -> str:
    """The ARN of a layer with the packages of this test's own environment."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in PACKAGES:
            for file in distribution(name).files or []:
                if file.suffix in (".py", ".json"):
                    archive.write(str(file.locate()), f"python/{file}")
    functions, name = account.client("lambda"), account.unique("powertools")
    made = functions.publish_layer_version(LayerName=name, Content={"ZipFile": written.getvalue()})
    account.later(functions.delete_layer_version, LayerName=name, VersionNumber=made["Version"])
    return str(made["LayerVersionArn"])


def table(account: Account) -> str:
    """The name of a table for idempotency records."""
    dynamodb, name = account.client("dynamodb"), account.unique("idempotency")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    account.later(dynamodb.delete_table, TableName=name)
    return name


@pytest.fixture
def shop(account: Account) -> tuple[str, str]:
    """The ARN of a function that uses Powertools, and its metrics' namespace."""
    namespace, name = account.unique("space"), table(account)
    variables = {"TABLE": name, "POWERTOOLS_SERVICE_NAME": "shop", "POWERTOOLS_METRICS_NAMESPACE": namespace}
    records = allow("dynamodb:*Item", on=f"arn:aws:dynamodb:{account.region}:{account.number}:table/{name}")
    arn = account.function(
        SOURCE,
        records,
        allow("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
        Layers=[layer(account)],
        MemorySize=512,
        Environment={"Variables": variables},
        TracingConfig={"Mode": "Active"},
    )
    return arn, namespace


def test_powertools_works_unchanged(account: Account, shop: tuple[str, str]) -> None:
    arn, namespace = shop
    event = {"order": {"id": 7}, "Records": [record("good", 1), record("bad", 2)]}
    answers = [invoke(account, arn, event) for _ in range(2)]
    assert answers[0]["batch"] == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert answers[0]["receipt"] == answers[1]["receipt"]
    said = account.wait_until(lambda: logged(account, arn, "got it"), 30)
    assert (said[0]["service"], said[0]["order"], said[0]["cold_start"]) == ("shop", {"id": 7}, True)
    assert said[0]["function_arn"] == arn
    cloudwatch = account.client("cloudwatch")
    metrics = account.wait_until(lambda: cloudwatch.list_metrics(Namespace=namespace)["Metrics"], 30)
    assert {"Orders", "ColdStart"} == {metric["MetricName"] for metric in metrics}
    root = answers[0]["trace"].split(";")[0].removeprefix("Root=")
    account.wait_until(lambda: {"## handler", "## index.count"} <= traced(account, root), 30)


def invoke(account: Account, arn: str, event: dict[str, Any]) -> dict[str, Any]:
    answer = account.client("lambda").invoke(FunctionName=arn, Payload=json.dumps(event))
    value: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, value
    return value


def logged(account: Account, arn: str, message: str) -> list[dict[str, Any]]:
    """The JSON lines of a function's log with this message."""
    logs, group = account.client("logs"), f"/aws/lambda/{arn.split(':')[6]}"
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    lines = [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
    documents = [json.loads(line) for line in lines if line.startswith("{")]
    return [one for one in documents if one.get("message") == message]


def traced(account: Account, root: str) -> set[str]:
    """The names of all segments and subsegments of a trace."""
    found = account.client("xray").batch_get_traces(TraceIds=[root])["Traces"]
    documents = [json.loads(segment["Document"]) for trace in found for segment in trace["Segments"]]
    return {name for document in documents for name in names(document)}


def names(segment: dict[str, Any]) -> set[str]:
    return {segment["name"]}.union(*(names(one) for one in segment.get("subsegments", [])))
