"""Asynchronous invocations: retries, destinations and dead letters."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud
from .lambda_support import Bench, Eventually, make_bench


@pytest.fixture(scope="module")
def bench(cloud: LocalCloud) -> Bench:
    return make_bench(cloud)


def test_a_failed_event_is_retried_on_the_virtual_clock_and_then_a_dead_letter(
    bench: Bench, eventually: Eventually
) -> None:
    url = bench.queue()
    name = bench.function(
        "def handler(event, context):\n    raise ValueError('never')",
        DeadLetterConfig={"TargetArn": bench.queue_arn(url)},
    )
    bench.api.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"a": 1}')
    message = _advancing(bench, eventually, lambda: bench.message(url))
    assert json.loads(message["Body"]) == {"a": 1}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "never"


def test_a_failed_event_goes_to_the_failure_destination_without_retries(bench: Bench, eventually: Eventually) -> None:
    url = bench.queue()
    name = bench.function("def handler(event, context):\n    raise ValueError('never')")
    bench.api.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": bench.queue_arn(url)}},
    )
    bench.api.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"a": 1}')
    record = json.loads(eventually(lambda: bench.message(url), 30)["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestPayload"] == {"a": 1}
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert record["responsePayload"]["errorType"] == "ValueError"


def test_a_successful_event_goes_to_the_success_destination(bench: Bench, eventually: Eventually) -> None:
    url = bench.queue()
    name = bench.function("def handler(event, context):\n    return {'done': event}")
    bench.api.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": bench.queue_arn(url)}}
    )
    bench.api.invoke(FunctionName=name, InvocationType="Event", Payload=b"5")
    record = json.loads(eventually(lambda: bench.message(url), 30)["Body"])
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == {"done": 5}


def test_event_source_mappings_are_refused(bench: Bench) -> None:
    name = bench.function("def handler(event, context): pass")
    with pytest.raises(ClientError, match="event source mappings"):
        bench.api.create_event_source_mapping(FunctionName=name, EventSourceArn=bench.queue_arn(bench.queue()))


def test_an_event_invoke_config_is_replaced_updated_and_only_for_the_latest_version(bench: Bench) -> None:
    name = bench.function("def handler(event, context): pass")
    bench.api.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    bench.api.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    bench.api.update_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=60)
    config = bench.api.get_function_event_invoke_config(FunctionName=name)
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 60)
    with pytest.raises(ClientError, match="event invoke config of a version or alias"):
        bench.api.put_function_event_invoke_config(FunctionName=name, Qualifier="live", MaximumRetryAttempts=0)


def _advancing(bench: Bench, eventually: Eventually, holds: Callable[[], Any]) -> Any:
    """The first true value of `holds`, while virtual time goes on in jumps."""

    def advance_and_look() -> Any:
        bench.cloud.advance(60)
        return holds()

    return eventually(advance_and_look, 30)
