"""What staging asks of endpoints of the local cloud: what a leak is seen by, and whose fault throttling is."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from trimtab.aws.staging_probe import ask_once, memory_percent
from trimtab.names import VARIANT
from trimtab.ports import Answer
from trimtab.rollout.staging import Golden, Probe
from trimtab.rollout.staging.golden import check_golden
from trimtab.rollout.staging.load import check_clients, check_cold_start, check_load
from trimtab.rollout.staging.soak import check_memory
from trimtab.spec.staging import LoadSpec, StagingSpec

from .conftest import LocalCloud
from .sagemaker_support import IMAGE, Studio, archive, unique

SERVING = """
import json, os
HELD = []

def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.json")) as file:
        return json.load(file)

def transform_fn(model, body, content_type, accept):
    HELD.append(bytearray(model["leak_mb"] << 20))
    text = body.decode() if isinstance(body, bytes) else body
    rows = [{"id": each["id"], "score": each["x"]} for each in map(json.loads, text.splitlines())]
    return "".join(json.dumps(row) + "\\n" for row in rows), "application/jsonlines"
"""
GOLDEN = [Golden({"id": number, "x": number / 7}, number / 7, number) for number in range(40)]
SOAK = StagingSpec(soak_minutes=4)
pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def studio(own_cloud: LocalCloud) -> Studio:
    return Studio(own_cloud)


@pytest.fixture
def fast(own_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """Readings of memory are a minute of the cloud's clock apart."""
    own_cloud.set_speed(60)
    yield own_cloud
    own_cloud.set_speed(1)


def serverless(studio: Studio, leak_mb: int, concurrency: int = 8) -> str:
    """The name of a serverless endpoint whose model keeps so much memory at every request."""
    name = unique("staged")
    files = {"model.json": json.dumps({"leak_mb": leak_mb}), "code/inference.py": SERVING}
    container = {
        "Image": IMAGE,
        "ModelDataUrl": studio.put(f"{name}/model.tar.gz", archive(files)),
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
    }
    studio.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=studio.role)
    size = {"MemorySizeInMB": 1024, "MaxConcurrency": concurrency}
    variant = {"VariantName": VARIANT, "ModelName": name, "ServerlessConfig": size}
    studio.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    return studio.endpoint(name)


def asked(endpoint: str, cloud: LocalCloud) -> Probe:
    """The endpoint as the function test_staging asks it."""
    runtime, cloudwatch = cloud.client("sagemaker-runtime"), cloud.client("cloudwatch")
    since = datetime.fromisoformat(cloud.now()).astimezone(UTC)
    return Probe(
        send=lambda body, content_type: ask_once(runtime, endpoint, body, content_type),
        clock=time.monotonic,
        wait=time.sleep,
        memory=lambda: memory_percent(cloudwatch, endpoint, since),
    )


def test_a_sound_model_is_answered_measured_and_holds_its_memory(studio: Studio, fast: LocalCloud) -> None:
    endpoint = asked(serverless(studio, leak_mb=0), fast)
    checks = [
        check_cold_start(endpoint, GOLDEN[0], max_cold_start_s=60),
        check_golden(endpoint, GOLDEN),
        check_clients(endpoint, GOLDEN, clients=4),
        check_load(endpoint, GOLDEN, LoadSpec(requests_per_second=20, seconds=1), max_latency_ms=5000),
        check_memory(endpoint, GOLDEN, SOAK),
    ]
    assert [check for check in checks if not check.passed] == []
    assert checks[0].facts["first_answer_s"] > 0
    assert all(0 < reading < 100 for reading in checks[-1].facts["readings_percent"])


def test_a_model_that_leaks_memory_is_caught_by_the_soak(studio: Studio, fast: LocalCloud) -> None:
    leaking = check_memory(asked(serverless(studio, leak_mb=4), fast), GOLDEN, SOAK)
    assert not leaking.passed
    assert leaking.facts["growth_points"] > SOAK.max_memory_growth, leaking.message


def test_requests_beyond_the_concurrency_are_throttled_and_no_failure_of_the_model(
    studio: Studio, own_cloud: LocalCloud
) -> None:
    endpoint = asked(serverless(studio, leak_mb=0, concurrency=1), own_cloud)
    check = check_load(endpoint, GOLDEN, LoadSpec(requests_per_second=200, seconds=1), max_latency_ms=60_000)
    assert check.facts["failed"] == 0
    assert check.passed is (check.facts["throttled"] <= 2), check.message


def test_an_endpoint_that_hangs_is_no_answer_and_not_asked_again() -> None:
    calls: list[Any] = []

    class Hanging:
        def invoke_endpoint(self, **request: Any) -> Any:
            calls.append(request)
            raise ReadTimeoutError(endpoint_url="https://runtime")

    answer: Answer = ask_once(Hanging(), "staging", b"{}", "application/jsonlines")
    assert (answer.status, len(calls)) == (504, 1)
