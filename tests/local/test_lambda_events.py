"""What the local cloud refuses of event sources and asynchronous invocation."""

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud
from .lambda_support import Bench, make_bench


@pytest.fixture(scope="module")
def bench(cloud: LocalCloud) -> Bench:
    return make_bench(cloud)


@pytest.mark.parametrize("source", ["dynamodb:us-east-1:123456789012:table/t/stream/1", "kinesis:us-east-1:1:stream/s"])
def test_mappings_of_streams_are_refused(bench: Bench, source: str) -> None:
    name = bench.function("def handler(event, context): pass")
    with pytest.raises(ClientError, match="event source mappings of arn:aws:"):
        bench.api.create_event_source_mapping(FunctionName=name, EventSourceArn=f"arn:aws:{source}")


def test_an_event_invoke_config_is_replaced_updated_and_only_for_the_latest_version(bench: Bench) -> None:
    name = bench.function("def handler(event, context): pass")
    bench.api.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    bench.api.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    bench.api.update_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=60)
    config = bench.api.get_function_event_invoke_config(FunctionName=name)
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 60)
    with pytest.raises(ClientError, match="event invoke config of a version or alias"):
        bench.api.put_function_event_invoke_config(FunctionName=name, Qualifier="live", MaximumRetryAttempts=0)
