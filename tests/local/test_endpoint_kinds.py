"""Kinds of endpoints as model.yaml asks for them, on the local cloud: asynchronous, and as many as requests need."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from trimtab.aws.scaler import ApplicationAutoScaling
from trimtab.contracts import Settings
from trimtab.names import VARIANT
from trimtab.rollout.requests import production_config
from trimtab.rollout.scaling import scaling_of
from trimtab.spec.endpoint import AutoscalingSpec, EndpointSpec
from trimtab.spec.rollout import RolloutSpec

from .conftest import LocalCloud, wait_until
from .sagemaker_support import Studio, unique

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def studio(own_cloud: LocalCloud) -> Studio:
    return Studio(own_cloud)


@pytest.fixture
def fast(own_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """Minutes of the cloud's clock last a second."""
    own_cloud.set_speed(60)
    yield own_cloud
    own_cloud.set_speed(1)


def serving(studio: Studio, endpoint: EndpointSpec, instances: int = 1, seconds: float = 0) -> str:
    """The name of an endpoint in service, on the config that production would have; each answer takes ``seconds``."""
    name = unique("kind")
    studio.model(name, {"version": "1", "seconds": seconds})
    rollout = RolloutSpec(endpoint=endpoint, instance_count=instances, capture_percent=0)
    settings = Settings(
        stage="test",
        model="tiny",
        ledger_table="ledger",
        drops_bucket="drops",
        artifacts_bucket="artifacts",
        captures_bucket=studio.bucket,
        topic_arn="topic",
    )
    config = production_config(name, name, rollout, settings, f"s3://{studio.bucket}/tiny/capture")
    studio.sagemaker.create_endpoint_config(**config)
    return studio.endpoint(name)


def instances(studio: Studio, endpoint: str) -> int:
    """How many the endpoint is asked to have."""
    found = studio.sagemaker.describe_endpoint(EndpointName=endpoint)
    return int(found["ProductionVariants"][0]["DesiredInstanceCount"])


def test_an_asynchronous_endpoint_answers_beside_what_is_captured(studio: Studio) -> None:
    endpoint = serving(studio, EndpointSpec(kind="async"))
    asked = studio.put("tiny/async/requests/1.json", b"[1, 2]")
    accepted = studio.runtime.invoke_endpoint_async(
        EndpointName=endpoint, InputLocation=asked, ContentType="application/json"
    )
    assert accepted["OutputLocation"].startswith(f"s3://{studio.bucket}/tiny/async/answers/")
    key = accepted["OutputLocation"].split("/", 3)[3]
    wait_until(lambda: studio.keys(key), 20)
    assert json.loads(studio.get(accepted["OutputLocation"]))["rows"] == 2


def test_instances_follow_the_requests_up_to_the_most_that_are_allowed(studio: Studio, fast: LocalCloud) -> None:
    autoscaling = AutoscalingSpec(max_count=3, invocations_per_instance=1)
    endpoint = serving(studio, EndpointSpec(autoscaling=autoscaling))
    wanted = scaling_of(RolloutSpec(endpoint=EndpointSpec(autoscaling=autoscaling), instance_count=1), endpoint)
    assert wanted is not None
    scaling: Any = fast.client("application-autoscaling")
    scaler = ApplicationAutoScaling(scaling, fast.client("cloudwatch"))
    assert scaler.following(wanted.resource) is None
    for _ in range(2):
        scaler.follow(wanted)
    assert scaler.following(wanted.resource) == wanted

    def busy() -> bool:
        for _ in range(10):
            studio.ask(endpoint)
        return instances(studio, endpoint) == 3

    wait_until(busy, 40, lambda: f"{instances(studio, endpoint)} instances")
    activities = scaling.describe_scaling_activities(ServiceNamespace="sagemaker", ResourceId=wanted.resource)
    assert activities["ScalingActivities"][0]["Description"] == "Setting desired instance count to 3."
    assert wanted.resource.endswith(f"/variant/{VARIANT}")


def test_instances_of_an_asynchronous_endpoint_follow_what_waits_for_them(studio: Studio, fast: LocalCloud) -> None:
    kind = EndpointSpec(kind="async", autoscaling=AutoscalingSpec(max_count=2, backlog_per_instance=1))
    endpoint = serving(studio, kind, seconds=0.5)
    wanted = scaling_of(RolloutSpec(endpoint=kind, instance_count=1), endpoint)
    assert wanted is not None
    scaling = ApplicationAutoScaling(fast.client("application-autoscaling"), fast.client("cloudwatch"))
    scaling.follow(wanted)
    assert scaling.following(wanted.resource) == wanted
    asked = studio.put("tiny/async/requests/many.json", b"[1]")
    for _ in range(120):
        studio.runtime.invoke_endpoint_async(EndpointName=endpoint, InputLocation=asked, ContentType="application/json")
    wait_until(lambda: instances(studio, endpoint) == 2, 40, lambda: f"{instances(studio, endpoint)} instances")
    metrics: Any = fast.client("cloudwatch")
    own = [{"Name": "EndpointName", "Value": endpoint}]
    names = {each["MetricName"] for each in metrics.list_metrics(Namespace="AWS/SageMaker", Dimensions=own)["Metrics"]}
    assert "ApproximateBacklogSizePerInstance" in names
    assert "Invocations" not in names


def test_an_asynchronous_endpoint_has_no_instance_while_nothing_waits_and_is_woken_by_a_request(
    studio: Studio, fast: LocalCloud
) -> None:
    kind = EndpointSpec(kind="async", autoscaling=AutoscalingSpec(max_count=2, to_zero=True, scale_in_minutes=1))
    endpoint = serving(studio, kind)
    wanted = scaling_of(RolloutSpec(endpoint=kind, instance_count=1), endpoint, protected=False)
    assert wanted is not None
    scaler = ApplicationAutoScaling(fast.client("application-autoscaling"), fast.client("cloudwatch"))
    scaler.follow(wanted)
    assert scaler.following(wanted.resource) == wanted
    wait_until(lambda: instances(studio, endpoint) == 0, 90, lambda: f"{instances(studio, endpoint)} instances")
    asked = studio.put("tiny/async/requests/late.json", b"[1, 2, 3]")
    accepted = studio.runtime.invoke_endpoint_async(
        EndpointName=endpoint, InputLocation=asked, ContentType="application/json"
    )
    key = accepted["OutputLocation"].split("/", 3)[3]
    wait_until(lambda: studio.keys(key), 90, lambda: f"{instances(studio, endpoint)} instances, no answer")
    assert json.loads(studio.get(accepted["OutputLocation"]))["rows"] == 3
    with pytest.raises(ClientError, match="asynchronous"):
        studio.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=serving(studio, EndpointSpec()),
            DesiredWeightsAndCapacities=[{"VariantName": VARIANT, "DesiredInstanceCount": 0}],
        )
