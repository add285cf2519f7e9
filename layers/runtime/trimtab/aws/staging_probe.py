"""The staging endpoint as its tests see it: each request is sent once, and CloudWatch says what memory it takes."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from trimtab.aws.endpoints import refused
from trimtab.aws.session import client
from trimtab.names import VARIANT
from trimtab.ports import Answer
from trimtab.rollout.staging import NO_ANSWER, Probe

LONGEST_ANSWER_S = 65
"""SageMaker gives a model 60 seconds."""
UTILIZATION = "/aws/sagemaker/Endpoints"
"""Namespace of what instances and serverless containers use of their machine."""
_LONGEST_TEST = timedelta(hours=2)
_ONCE = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    read_timeout=LONGEST_ANSWER_S,
    max_pool_connections=32,
    user_agent_extra="trimtab",
)
"""Without retries: an endpoint that answers at the second try has failed once."""


def probe(endpoint: str, since: datetime) -> Probe:
    """The endpoint, tested since then."""
    runtime, cloudwatch = boto3.client("sagemaker-runtime", config=_ONCE), client("cloudwatch")
    return Probe(
        send=lambda body, content_type: ask_once(runtime, endpoint, body, content_type),
        clock=time.monotonic,
        wait=time.sleep,
        memory=lambda: memory_percent(cloudwatch, endpoint, since),
    )


def ask_once(runtime: Any, endpoint: str, body: bytes, content_type: str) -> Answer:
    """The answer to one request, whatever it is; a model that answers nobody is an answer too."""
    started = time.perf_counter()
    try:
        found = runtime.invoke_endpoint(
            EndpointName=endpoint, Body=body, ContentType=content_type, Accept="application/jsonlines"
        )
        status, answer = 200, found["Body"].read()
    except ClientError as error:
        status, answer = refused(error)
    except (ReadTimeoutError, ConnectionClosedError) as error:
        status, answer = NO_ANSWER, str(error).encode()
    return Answer(status, answer, (time.perf_counter() - started) * 1000)


def memory_percent(cloudwatch: Any, endpoint: str, since: datetime) -> Sequence[float]:
    """The highest reading of each minute since then, the oldest first.

    Minutes are counted by CloudWatch's clock alone: its readings say how much time has passed.
    """
    found = cloudwatch.get_metric_statistics(
        Namespace=UTILIZATION,
        MetricName="MemoryUtilization",
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": VARIANT}],
        StartTime=since,
        EndTime=since + _LONGEST_TEST,
        Period=60,
        Statistics=["Maximum"],
    )
    points = sorted(found["Datapoints"], key=lambda point: point["Timestamp"])
    return [float(point["Maximum"]) for point in points]
