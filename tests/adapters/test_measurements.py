"""The judge's measurements keep their promises in memory and in CloudWatch alike."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.judge_fakes import MemoryMeasurements
from trimtab.aws.measurements import CloudWatchMeasurements
from trimtab.aws.synthetic_requests import SyntheticRequests
from trimtab.errors import EvidenceUnreadable
from trimtab.rollout.judge.sources import Measurements, Series

FLEET = {"EndpointName": "e", "EndpointConfigName": "c"}


def minute() -> datetime:
    """Some minutes ago: CloudWatch keeps what is two weeks old at most."""
    return datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)


def in_cloudwatch(values: dict[datetime, float]) -> Measurements:
    cloudwatch = boto3.client("cloudwatch")
    dimensions = [{"Name": name, "Value": value} for name, value in FLEET.items()]
    for moment, value in values.items():
        datum = {"MetricName": "Calls", "Dimensions": dimensions, "Timestamp": moment, "Value": value}
        cloudwatch.put_metric_data(Namespace="Shop", MetricData=[datum])
    return CloudWatchMeasurements(cloudwatch)


def in_memory(values: dict[datetime, float]) -> Measurements:
    found = MemoryMeasurements()
    for moment, value in values.items():
        found.measure("Calls", FLEET, moment, value)
    return found


@pytest.mark.parametrize("kept", [in_memory, in_cloudwatch])
def test_each_series_has_its_own_minutes_and_no_others(
    aws: None, kept: Callable[[dict[datetime, float]], Measurements]
) -> None:
    first = minute()
    measurements = kept({first: 3.0, first + timedelta(minutes=2): 4.0, first - timedelta(hours=3): 9.0})
    wanted = [Series("Shop", "Calls", FLEET, "Sum"), Series("Shop", "Calls", {"EndpointName": "other"}, "Sum")]
    found = measurements.series(wanted, first - timedelta(minutes=5), first + timedelta(minutes=5))
    assert found == [{first: 3.0, first + timedelta(minutes=2): 4.0}, {}]


class Refusing:
    """A client whose every call fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get_paginator(self, name: str) -> Any:
        raise self._error

    def invoke_endpoint(self, **request: Any) -> Any:
        raise self._error


DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetMetricData")
FAILURES = [DENIED, EndpointConnectionError(endpoint_url="https://monitoring")]


@pytest.mark.parametrize("error", FAILURES)
def test_a_source_that_does_not_answer_is_told_apart_from_one_that_has_nothing(error: Exception) -> None:
    with pytest.raises(EvidenceUnreadable, match="CloudWatch did not answer"):
        CloudWatchMeasurements(Refusing(error)).series([Series("n", "m", {}, "Sum")], minute(), minute())


@pytest.mark.parametrize("error", FAILURES)
def test_a_synthetic_request_that_fails_is_counted_and_raises_nothing(error: Exception) -> None:
    assert SyntheticRequests(Refusing(error)).ask("e", b"{}\n", "trimtab-synthetic-1") is False
