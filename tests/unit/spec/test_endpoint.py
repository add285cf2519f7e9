"""What an endpoint's kind rules out is refused when model.yaml is read, with the reason."""

from typing import Any

import pytest
from pydantic import ValidationError

from trimtab.rollout.rollback_alarms import rollback_alarms
from trimtab.spec.batch import BatchSpec
from trimtab.spec.rollout import RolloutSpec

SCALED = {"max_count": 4}


@pytest.mark.parametrize(
    ("rollout", "reason"),
    [
        ({"endpoint": {"kind": "serverless"}}, "neither drift nor quality of its answers is measured"),
        ({"endpoint": {"kind": "async"}, "judge": {"synthetic": "always"}}, "is not asked by the judge itself"),
        ({"endpoint": {"kind": "async"}, "strategy": "shadow"}, "a shadow needs a real-time endpoint"),
        ({"endpoint": {"kind": "async", "sleep": {}}}, "are lost with it"),
        (
            {"endpoint": {"kind": "async", "autoscaling": SCALED | {"invocations_per_instance": 9}}},
            "follow backlog_per_instance",
        ),
        ({"endpoint": {"autoscaling": SCALED | {"backlog_per_instance": 9}}}, "follow invocations_per_instance"),
        ({"endpoint": {"autoscaling": SCALED | {"to_zero": True}}}, "has one instance at least"),
        (
            {"endpoint": {"kind": "serverless"}, "capture_percent": 0, "strategy": "stepped"},
            "one variant and no instances to move by stepped",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(rollout: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        RolloutSpec.model_validate(rollout)


@pytest.mark.parametrize(
    "rollout",
    [
        {"endpoint": {"kind": "serverless"}, "capture_percent": 0},
        {"endpoint": {"kind": "async", "autoscaling": SCALED | {"backlog_per_instance": 3, "to_zero": True}}},
        {"endpoint": {"autoscaling": SCALED | {"invocations_per_instance": 3}}},
    ],
)
def test_a_spec_that_was_read_once_is_read_again_with_all_its_defaults(rollout: dict[str, Any]) -> None:
    once = RolloutSpec.model_validate(rollout)
    assert RolloutSpec.model_validate(once.model_dump(mode="json")) == once


def test_requests_of_an_asynchronous_endpoint_are_counted_by_a_metric_that_it_has() -> None:
    counted = {}
    for kind in ("realtime", "async"):
        alarm, _ = rollback_alarms("flights-v2", {}, RolloutSpec.model_validate({"endpoint": {"kind": kind}}))
        found = next(each["MetricStat"] for each in alarm["Metrics"] if each["Id"] == "requests")
        counted[kind] = (found["Metric"]["MetricName"], found["Stat"])
    assert counted == {"realtime": ("Invocations", "Sum"), "async": ("Invocation5XXErrors", "SampleCount")}


def test_a_batch_sends_an_instance_no_more_than_sagemaker_allows() -> None:
    with pytest.raises(ValidationError, match="exceeds 100 MB"):
        BatchSpec(payload_mb=50, concurrency=4)
    assert BatchSpec().payload_mb * BatchSpec().concurrency <= 100
