"""Capacity that is taken away or refused, on request: spot interruptions, internal errors, quotas, cold starts."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conformance.account import Account
from .conformance.workshop import Workshop, unpacked
from .conftest import LocalCloud, wait_until

COUNTS_TO_FIVE = """
import os, pathlib, time
kept = pathlib.Path("/opt/ml/checkpoints/epoch")
begun = int(kept.read_text()) if kept.exists() else 0
print("loss=%d" % begun, flush=True)
for epoch in range(begun + 1, 6):
    kept.write_text(str(epoch))
    while epoch == 3 and begun == 0:
        time.sleep(0.1)
pathlib.Path("/opt/ml/model/begun").write_text(str(begun))
"""
SPOT = {"MaxRuntimeInSeconds": 300, "MaxWaitTimeInSeconds": 600}


@pytest.fixture
def workshop(own_cloud: LocalCloud) -> Iterator[Workshop]:
    account = Account("us-east-1", "123456789012", own_cloud)
    with account.undo:
        yield Workshop(account)


def begin(workshop: Workshop, name: str, **more: Any) -> None:
    """A job that keeps its epochs in S3 waits in its third."""
    place = {"S3Uri": f"s3://{workshop.bucket}/{name}/kept"}
    request = workshop.training(name, COUNTS_TO_FIVE, CheckpointConfig=place, **more)
    workshop.sagemaker.create_training_job(**request)
    wait_until(lambda: workshop.texts(f"{name}/kept").get("epoch") == "3", 30)


def interrupt(cloud: LocalCloud, name: str, **more: Any) -> None:
    cloud.admin("sagemaker/interrupt", {"TrainingJobName": name, **more})


def stages(job: dict[str, Any]) -> list[str]:
    return [each["Status"] for each in job["SecondaryStatusTransitions"]]


def artifact(workshop: Workshop, job: dict[str, Any]) -> dict[str, str]:
    return unpacked(workshop.get(job["ModelArtifacts"]["S3ModelArtifacts"]))


def test_an_interrupted_spot_job_goes_on_from_its_checkpoint(workshop: Workshop, own_cloud: LocalCloud) -> None:
    name = workshop.account.unique("spot")
    begin(workshop, name, StoppingCondition=SPOT, EnableManagedSpotTraining=True)
    interrupt(own_cloud, name)
    job = workshop.ended("training", name)
    once = ["Starting", "Downloading", "Training"]
    assert stages(job) == [*once, "Interrupted", *once, "Uploading", "Completed"]
    assert artifact(workshop, job)["begun"] == "3"


def test_spot_capacity_that_comes_back_too_late_stops_the_job(workshop: Workshop, own_cloud: LocalCloud) -> None:
    name = workshop.account.unique("late")
    limits = {"MaxRuntimeInSeconds": 4, "MaxWaitTimeInSeconds": 4}
    request = workshop.training(name, "import time; time.sleep(600)", StoppingCondition=limits)
    workshop.sagemaker.create_training_job(**request, EnableManagedSpotTraining=True)
    interrupt(own_cloud, name, Seconds=600)
    job = workshop.ended("training", name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


@pytest.mark.parametrize(("attempts", "errors", "status"), [(2, 2, "Completed"), (2, 3, "Failed"), (None, 1, "Failed")])
def test_an_internal_error_is_retried_as_often_as_the_strategy_says(
    workshop: Workshop, own_cloud: LocalCloud, attempts: int | None, errors: int, status: str
) -> None:
    name = workshop.account.unique("retried")
    fault = {"kind": "interrupt", "service": "sagemaker", "resource": name, "times": errors}
    own_cloud.admin("faults", {"faults": [fault | {"code": "InternalServerError"}]})
    strategy = {} if attempts is None else {"RetryStrategy": {"MaximumRetryAttempts": attempts}}
    job = workshop.train(name, "import time; time.sleep(1)", **strategy)
    assert job["TrainingJobStatus"] == status
    assert stages(job).count("Restarting") == (attempts or 0)
    assert job.get("FailureReason", "InternalServerError").startswith("InternalServerError")


def test_more_instances_than_the_quota_are_refused(workshop: Workshop, own_cloud: LocalCloud) -> None:
    own_cloud.admin("sagemaker/quotas", {"ml.m5.large for training job usage": 1})
    try:
        name = workshop.account.unique("limited")
        request = workshop.training(name, "import time; time.sleep(600)")
        workshop.sagemaker.create_training_job(**request)
        with pytest.raises(ClientError, match="is 1 Instances, with current utilization of 1 Instances") as error:
            workshop.sagemaker.create_training_job(**request | {"TrainingJobName": f"{name}-2"})
        assert error.value.response["Error"]["Code"] == "ResourceLimitExceeded"
        workshop.sagemaker.stop_training_job(TrainingJobName=name)
        workshop.ended("training", name)
        workshop.train(f"{name}-2", "pass")
    finally:
        own_cloud.admin("sagemaker/quotas", {"ml.m5.large for training job usage": None})


def test_a_fault_plan_interrupts_jobs_kills_them_and_refuses_capacity(
    workshop: Workshop, own_cloud: LocalCloud
) -> None:
    name = workshop.account.unique("planned")
    about = {"service": "sagemaker", "resource": f"{name}*"}
    faults = [
        {"kind": "interrupt", "operation": "TrainingJob", "times": 1, **about},
        {"kind": "kill", "operation": "TrainingJob", "skip": 1, "times": 1, **about},
        {"kind": "refuse_capacity", "operation": "*training job usage", "skip": 1, **about},
    ]
    own_cloud.admin("faults", {"faults": faults})
    try:
        job = workshop.train(
            name, "import time; time.sleep(600)", StoppingCondition=SPOT, EnableManagedSpotTraining=True
        )
        with pytest.raises(ClientError, match="ResourceLimitExceeded"):
            workshop.train(f"{name}-2", "pass")
    finally:
        own_cloud.admin("faults", {"faults": []})
    assert "Interrupted" in stages(job)
    assert job["FailureReason"].endswith("exit code: 137")


def test_a_fault_plan_makes_a_rollback_fail(workshop: Workshop, own_cloud: LocalCloud) -> None:
    endpoint = workshop.endpoint(workshop.config(workshop.variant()))
    own_cloud.admin("faults", {"faults": [{"kind": "fail_rollback", "service": "sagemaker", "resource": endpoint}]})
    try:
        policy = {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 60}}
        deployment = {
            "BlueGreenUpdatePolicy": policy,
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "there-is-none"}]},
        }
        config = workshop.config(workshop.variant(version="2"))
        update = workshop.sagemaker.update_endpoint
        update(EndpointName=endpoint, EndpointConfigName=config, DeploymentConfig=deployment)
        assert workshop.settled(endpoint)["EndpointStatus"] == "UpdateRollbackFailed"
    finally:
        own_cloud.admin("faults", {"faults": []})
    assert workshop.ask(endpoint) == "1:a"


def test_a_rollback_without_capacity_leaves_both_fleets_until_the_next_update(
    workshop: Workshop, own_cloud: LocalCloud
) -> None:
    old, new = (workshop.config(workshop.variant(count=2, version=version)) for version in ("1", "2"))
    endpoint = workshop.endpoint(old)
    alarm, quota = workshop.account.unique("alarm"), "ml.m5.large for endpoint usage"
    cloudwatch = workshop.account.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=alarm, Namespace=alarm, MetricName="broken", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching",
    )  # fmt: skip
    size = {"Type": "INSTANCE_COUNT", "Value": 1}
    rolling = {
        "RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 600},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }
    describe, update = workshop.sagemaker.describe_endpoint, workshop.sagemaker.update_endpoint
    update(EndpointName=endpoint, EndpointConfigName=new, DeploymentConfig=rolling)
    variants = "ProductionVariants"
    wait_until(lambda: describe(EndpointName=endpoint)[variants][0]["CurrentWeight"] == 0.5, 30)
    own_cloud.advance(601)
    wait_until(lambda: describe(EndpointName=endpoint)[variants][0]["CurrentInstanceCount"] == 1, 30)
    wait_until(lambda: describe(EndpointName=endpoint)[variants][0]["CurrentWeight"] == 0, 30)
    own_cloud.admin("sagemaker/quotas", {quota: 1})
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")
    found = workshop.settled(endpoint)
    assert found["EndpointStatus"] == "UpdateRollbackFailed"
    assert quota in found["FailureReason"]
    assert workshop.ask(endpoint) in ("1:a", "2:a")
    own_cloud.admin("sagemaker/quotas", {quota: None})
    update(EndpointName=endpoint, EndpointConfigName=old)
    assert workshop.settled(endpoint)["EndpointStatus"] == "InService"
    assert {workshop.ask(endpoint) for _ in range(6)} == {"1:a"}


def test_a_serverless_variant_is_started_by_the_first_request_after_a_rest(
    workshop: Workshop, own_cloud: LocalCloud
) -> None:
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
    variant = {"VariantName": "v", "ModelName": workshop.model(), "ServerlessConfig": serverless}
    endpoint = workshop.endpoint(workshop.config(variant))
    servers = own_cloud.state_dir / "processes"
    warm = len(list(servers.iterdir()))
    own_cloud.advance(1000)
    wait_until(lambda: len(list(servers.iterdir())) < warm, 10)
    assert workshop.ask(endpoint) == "1:a"


def test_a_container_is_given_its_roles_keys_again_before_they_expire(workshop: Workshop) -> None:
    script = """
import json, os, urllib.request
import boto3
url = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
keys = json.load(urllib.request.urlopen(url))
caller = boto3.client("sts").get_caller_identity()["Arn"]
open("/opt/ml/model/keys.json", "w").write(json.dumps([sorted(keys), caller]))
assert boto3.Session().get_credentials().method == "container-role"
"""
    name = workshop.account.unique("keys")
    job = workshop.train(name, script)
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    members, caller = json.loads(artifact(workshop, job)["keys.json"])
    assert {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"} <= set(members)
    assert f":assumed-role/{workshop.role.rpartition('/')[2]}/" in caller
