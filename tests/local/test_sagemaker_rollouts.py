"""UpdateEndpoint from outside: traffic shifts without a failed request, and comes back by itself on an alarm."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud, wait_until
from .sagemaker_support import Studio, Traffic, unique

PERCENT = {"Type": "CAPACITY_PERCENT"}


@pytest.fixture(scope="module")
def studio(cloud: LocalCloud) -> Studio:
    return Studio(cloud)


@pytest.fixture
def alarm(studio: Studio) -> str:
    """The name of an alarm on the datum `broken` of this test's own namespace."""
    name = unique("alarm")
    studio.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace=name,
        MetricName="broken",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    return name


def blue_green(kind: str, wait: int, alarms: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **more}
    config: dict[str, Any] = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}
    if alarms:
        config["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in alarms]}
    return config


def update(studio: Studio, endpoint: str, config: str, deployment: dict[str, Any] | None = None, **more: Any) -> None:
    if deployment is not None:
        more["DeploymentConfig"] = deployment
    studio.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, **more)


def pending(studio: Studio, endpoint: str) -> dict[str, Any]:
    answer = studio.sagemaker.describe_endpoint(EndpointName=endpoint)
    variants: list[dict[str, Any]] = answer.get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
    return variants[0] if variants else {}


def wait_for_bake(studio: Studio, endpoint: str) -> dict[str, Any]:
    """The pending variant once it bakes."""

    def baking() -> dict[str, Any] | None:
        variant = pending(studio, endpoint)
        return variant if variant.get("VariantStatus", [{}])[0].get("Status") == "Baking" else None

    found: dict[str, Any] = wait_until(baking, 60)
    return found


def test_a_canary_takes_its_share_then_all_and_no_request_fails(studio: Studio) -> None:
    endpoint = studio.endpoint(studio.config({"version": "1"}))
    new = studio.config({"version": "2"})
    with Traffic(studio, endpoint) as traffic:
        update(studio, endpoint, new, blue_green("CANARY", 300, CanarySize=PERCENT | {"Value": 25}))
        canary = wait_for_bake(studio, endpoint)
        assert canary["CurrentWeight"] == 0.25
        assert canary["VariantStatus"][0]["StatusMessage"].startswith("Baking for 300 seconds (WaitIntervalInSeconds)")
        old = studio.sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"][0]
        assert old["CurrentWeight"] == 0.75
        before = traffic.versions.copy()
        wait_until(lambda: traffic.versions["1"] - before["1"] > 30 and traffic.versions["2"] > before["2"], 30)
        studio.cloud.advance(301)
        wait_until(lambda: pending(studio, endpoint).get("CurrentWeight") == 1.0, 30)
        assert studio.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "Updating"
        studio.cloud.advance(301)
        found = studio.settled(endpoint)
        assert {studio.ask(endpoint)["version"] for _ in range(10)} == {"2"}
    assert traffic.failures == []
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", new)
    assert "PendingDeploymentSummary" not in found
    assert found["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "CANARY"


def is_back(studio: Studio, endpoint: str, config: str) -> bool:
    found = studio.sagemaker.describe_endpoint(EndpointName=endpoint)
    return bool(found["EndpointStatus"] == "InService" and found["EndpointConfigName"] == config)


def test_errors_of_the_new_fleet_alone_bring_it_back(studio: Studio) -> None:
    """The alarm's dimension is the new configuration, so that errors of the old fleet do not count."""
    old = studio.config({"version": "1"})
    endpoint = studio.endpoint(old)
    new, name = studio.config({"version": "2", "broken": True}), unique("errors")
    studio.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "EndpointConfigName", "Value": new}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=3,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    with Traffic(studio, endpoint) as traffic:
        update(studio, endpoint, new, blue_green("CANARY", 900, (name,), CanarySize=PERCENT | {"Value": 50}))
        wait_until(lambda: len(traffic.failures) >= 6, 60)
        studio.cloud.advance(60)
        wait_until(lambda: is_back(studio, endpoint, old), 60)
        failures = len(traffic.failures)
        answered = traffic.versions["1"]
        wait_until(lambda: traffic.versions["1"] > answered + 10, 20)
        assert len(traffic.failures) <= failures + 1
    assert set(traffic.versions) == {"1"}


def test_a_model_that_cannot_start_never_gets_traffic(studio: Studio) -> None:
    old = studio.config({"version": "1"})
    endpoint = studio.endpoint(old)
    with Traffic(studio, endpoint) as traffic:
        update(studio, endpoint, studio.config({"version": "2", "refuse_to_load": True}))
        wait_until(lambda: is_back(studio, endpoint, old), 60)
    assert traffic.failures == []
    assert set(traffic.versions) == {"1"}


def test_an_update_without_a_policy_goes_over_at_once_and_the_old_fleet_answers_what_it_has(studio: Studio) -> None:
    endpoint = studio.endpoint(studio.config({"version": "1", "seconds": 2}))
    new = studio.config({"version": "2"})
    with Traffic(studio, endpoint, clients=4) as traffic:
        wait_until(lambda: traffic.versions["1"] >= 1, 20)
        update(studio, endpoint, new)
        wait_until(lambda: is_back(studio, endpoint, new), 60)
        assert studio.ask(endpoint)["version"] == "2"
    assert traffic.failures == []


def test_weights_counts_and_capture_are_retained_when_asked_for(studio: Studio) -> None:
    capture = {
        "InitialSamplingPercentage": 7,
        "DestinationS3Uri": f"s3://{studio.bucket}/captures/retained",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    endpoint = studio.endpoint(studio.config({"version": "1"}, DataCaptureConfig=capture))
    change = {"VariantName": "AllTraffic", "DesiredWeight": 5, "DesiredInstanceCount": 3}
    studio.sagemaker.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=[change])
    studio.settled(endpoint)
    update(studio, endpoint, studio.config({"version": "2"}), RetainAllVariantProperties=True)
    found = studio.settled(endpoint)
    (variant,) = found["ProductionVariants"]
    assert (variant["DesiredWeight"], variant["DesiredInstanceCount"]) == (5, 3)
    assert found["DataCaptureConfig"]["CurrentSamplingPercentage"] == 7
    update(studio, endpoint, studio.config({"version": "3"}))
    found = studio.settled(endpoint)
    assert found["ProductionVariants"][0]["DesiredInstanceCount"] == 2
    assert "DataCaptureConfig" not in found


def test_a_deployment_that_is_under_way_can_be_deleted(studio: Studio) -> None:
    endpoint = studio.endpoint(studio.config({"version": "1"}))
    update(studio, endpoint, studio.config({"version": "2"}), blue_green("ALL_AT_ONCE", 3600))
    wait_for_bake(studio, endpoint)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        update(studio, endpoint, studio.config({"version": "3"}))
    studio.sagemaker.delete_endpoint(EndpointName=endpoint)
    wait_until(lambda: not endpoint_exists(studio, endpoint), 30)


def endpoint_exists(studio: Studio, endpoint: str) -> bool:
    names = studio.sagemaker.list_endpoints(NameContains=endpoint)["Endpoints"]
    return bool(names)


def test_every_step_of_a_deployment_is_an_event(studio: Studio) -> None:
    sqs, name = studio.cloud.client("sqs"), unique("deployments")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    rules = studio.cloud.client("events")
    kinds = ["SageMaker Endpoint State Change", "SageMaker Endpoint Deployment State Change"]
    rules.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.sagemaker"], "detail-type": kinds}))
    rules.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    endpoint = studio.endpoint(studio.config({"version": "1"}))
    update(studio, endpoint, studio.config({"version": "2"}), blue_green("ALL_AT_ONCE", 60))
    wait_for_bake(studio, endpoint)
    studio.cloud.advance(61)
    studio.settled(endpoint)
    seen: set[tuple[str, str]] = set()

    def received() -> set[tuple[str, str]]:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            if event["detail"]["EndpointName"] == endpoint:
                seen.add((event["detail-type"].split()[2], event["detail"]["EndpointStatus"]))
        return seen

    expected = {
        ("State", "CREATING"),
        ("State", "IN_SERVICE"),
        ("State", "UPDATING"),
        ("Deployment", "UPDATING"),
    }
    wait_until(lambda: received() >= expected, 20, lambda: str(seen))
