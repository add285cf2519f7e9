"""Endpoints from outside: models are served by real processes, captured, measured, and replaced when they die."""

import json
import os
import signal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud, wait_until
from .sagemaker_support import IMAGE, INFERENCE, TRAIN, Studio, Traffic, archive, unique
from .test_sagemaker_training import ROWS, channel


@pytest.fixture(scope="module")
def studio(cloud: LocalCloud) -> Studio:
    return Studio(cloud)


def capture_config(studio: Studio, prefix: str, **more: Any) -> dict[str, Any]:
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{studio.bucket}/{prefix}",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        **more,
    }


def captured(studio: Studio, prefix: str) -> list[dict[str, Any]]:
    lines = [line for key in studio.keys(prefix) for line in studio.get(f"s3://{studio.bucket}/{key}").splitlines()]
    return [json.loads(line) for line in lines]


def metric_sum(studio: Studio, name: str, dimensions: dict[str, str]) -> float:
    now = studio.cloud.now()
    answer = studio.cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime="2020-01-01T00:00:00Z",
        EndTime=now,
        Period=86_400,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in answer["Datapoints"]))


def test_a_trained_model_is_served_by_the_scikit_learn_containers_contract(studio: Studio) -> None:
    name = unique("served")
    request = studio.training_request(name, {"train.py": TRAIN, "inference.py": INFERENCE})
    request["InputDataConfig"] = [channel(studio.put(f"{name}/data/train.csv", ROWS))]
    studio.sagemaker.create_training_job(**request)
    artifact = studio.ended_training(name)["ModelArtifacts"]["S3ModelArtifacts"]
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    container = {"Image": IMAGE, "ModelDataUrl": artifact, "Environment": environment}
    studio.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=studio.role)
    variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    studio.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    endpoint = studio.endpoint(name)
    answer = studio.runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=b"6,1\n0,1\n")
    assert json.loads(answer["Body"].read()) == [1.0, 0.0]
    assert answer["InvokedProductionVariant"] == "v"
    csv = studio.runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=b"6,1")
    assert (csv["ContentType"], csv["Body"].read()) == ("text/csv", b"1.0\n")


def test_an_exception_in_the_model_is_a_model_error_with_the_models_own_answer(studio: Studio) -> None:
    config = studio.config({"version": "bad", "broken": True})
    endpoint = studio.endpoint(config)
    with pytest.raises(ClientError) as error:
        studio.ask(endpoint)
    answer = error.value.response
    assert answer["Error"]["Code"] == "ModelError"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert answer["OriginalStatusCode"] == 500
    assert json.loads(answer["OriginalMessage"])["error-message"] == "the model is broken"
    dimensions = {"EndpointConfigName": config}
    wait_until(lambda: metric_sum(studio, "Invocation5XXErrors", dimensions) == 1, 20)
    assert metric_sum(studio, "InvocationModelErrors", {"EndpointName": endpoint, "VariantName": "AllTraffic"}) == 1


def test_a_model_that_does_not_load_fails_its_endpoint_with_the_ping_health_check(studio: Studio) -> None:
    config = studio.config({"version": "none", "refuse_to_load": True})
    name = unique("fails")
    studio.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    found = studio.settled(name)
    assert found["EndpointStatus"] == "Failed"
    assert found["FailureReason"].startswith(
        "The primary container for production variant AllTraffic did not pass the ping health check."
    )
    logs = studio.cloud.client("logs")
    group = f"/aws/sagemaker/Endpoints/{name}"
    events = wait_until(lambda: logs.filter_log_events(logGroupName=group)["events"], 10)
    assert any("this model refuses to load" in event["message"] for event in events)


def test_requests_and_answers_are_captured_in_awss_layout(studio: Studio) -> None:
    headers = {"JsonContentTypes": ["application/json"]}
    kms_key = studio.cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    capture = capture_config(studio, "captures/a", CaptureContentTypeHeader=headers, KmsKeyId=kms_key)
    config = studio.config({"version": "1"}, DataCaptureConfig=capture)
    endpoint = studio.endpoint(config)
    studio.ask(endpoint, InferenceId="flight-7", CustomAttributes="month=3")
    key = wait_until(lambda: studio.keys("captures/a"), 20)[0]
    now = studio.cloud.now()
    assert key.startswith(f"captures/a/{endpoint}/AllTraffic/{now[:4]}/{now[5:7]}/")
    assert key.endswith(".jsonl")
    assert studio.s3.head_object(Bucket=studio.bucket, Key=key)["SSEKMSKeyId"] == kms_key
    (line,) = captured(studio, "captures/a")
    assert line["captureData"]["endpointInput"] == {
        "observedContentType": "application/json",
        "mode": "INPUT",
        "data": "[1, 2]",
        "encoding": "JSON",
    }
    assert json.loads(line["captureData"]["endpointOutput"]["data"])["version"] == "1"
    assert line["eventMetadata"]["inferenceId"] == "flight-7"
    assert line["eventMetadata"]["customAttributes"] == ["month=3"]
    assert line["eventVersion"] == "0"


def test_what_was_captured_is_in_s3_when_the_endpoint_is_gone(studio: Studio) -> None:
    config = studio.config({"version": "1"}, DataCaptureConfig=capture_config(studio, "captures/b"))
    endpoint = studio.endpoint(config)
    for _ in range(5):
        studio.ask(endpoint)
    studio.sagemaker.delete_endpoint(EndpointName=endpoint)
    wait_until(lambda: not is_there(studio, endpoint), 20)
    assert len(captured(studio, "captures/b")) == 5


def is_there(studio: Studio, endpoint: str) -> bool:
    return bool(studio.sagemaker.list_endpoints(NameContains=endpoint)["Endpoints"])


def test_a_dead_instance_is_replaced_and_no_request_fails(studio: Studio) -> None:
    endpoint = studio.endpoint(studio.config({"version": "1", "seconds": 0.1}))
    with Traffic(studio, endpoint, clients=4) as traffic:
        wait_until(lambda: traffic.versions["1"] > 10, 20)
        victim = studio.ask(endpoint)["pid"]
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: traffic.versions["1"] > 60, 20)
        pids = {studio.ask(endpoint)["pid"] for _ in range(10)}
    assert traffic.failures == []
    assert victim not in pids
    assert len(pids) == 2


def test_binary_bodies_reach_a_model_without_network_and_come_back(studio: Studio) -> None:
    name = unique("binary")
    code = f"""
import socket

def model_fn(model_dir):
    try:
        socket.create_connection(("127.0.0.1", {studio.cloud.endpoint.rpartition(":")[2]}), 2)
    except OSError:
        return None
    raise RuntimeError("the network can be reached")

def transform_fn(model, body, content_type, accept):
    return bytes(reversed(body)), "application/octet-stream"
"""
    uri = studio.put(f"{name}/model.tar.gz", archive({"code/echo.py": code}))
    container = {"Image": IMAGE, "ModelDataUrl": uri, "Environment": {"SAGEMAKER_PROGRAM": "echo.py"}}
    studio.sagemaker.create_model(
        ModelName=name, PrimaryContainer=container, ExecutionRoleArn=studio.role, EnableNetworkIsolation=True
    )
    variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    studio.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    endpoint = studio.endpoint(name)
    body = bytes(range(256))
    answer = studio.runtime.invoke_endpoint(EndpointName=endpoint, ContentType="application/x-npy", Body=body)
    assert answer["Body"].read() == bytes(reversed(body))


def test_a_model_package_is_deployed_only_when_approved(studio: Studio) -> None:
    group, registry = unique("group"), studio.sagemaker
    registry.create_model_package_group(ModelPackageGroupName=group)
    artifact = archive({"model.json": '{"version": "packaged"}', "code/inference.py": "def model_fn(d): return d"})
    container = {"Image": IMAGE, "ModelDataUrl": studio.put(f"{group}/model.tar.gz", artifact)}
    package = registry.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    request = {
        "ModelName": group,
        "ExecutionRoleArn": studio.role,
        "Containers": [{"ModelPackageName": package, "Environment": {"SAGEMAKER_PROGRAM": "inference.py"}}],
    }
    with pytest.raises(ClientError, match="PendingManualApproval"):
        registry.create_model(**request)
    registry.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    registry.create_model(**request)
    assert registry.describe_model(ModelName=group)["Containers"][0]["ModelPackageName"] == package
