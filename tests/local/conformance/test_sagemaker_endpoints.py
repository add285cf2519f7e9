"""SageMaker's endpoints: variants, shadows, asynchronous and serverless inference, updates and their rollback."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account
from .workshop import Workshop

pytestmark = pytest.mark.sagemaker

AT_ONCE = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}


@pytest.fixture
def workshop(account: Account) -> Workshop:
    return Workshop(account)


def refused(action: Callable[..., Any], **arguments: Any) -> tuple[str, int]:
    """Code and HTTP status of the error that an operation answers."""
    with pytest.raises(ClientError) as error:
        action(**arguments)
    answer = error.value.response
    return str(answer["Error"]["Code"]), int(answer["ResponseMetadata"]["HTTPStatusCode"])


def captured(workshop: Workshop, prefix: str) -> dict[str, list[dict[str, Any]]]:
    """Captured lines by variant."""
    found: dict[str, list[dict[str, Any]]] = {}
    for key, text in workshop.texts(prefix).items():
        found.setdefault(key.split("/")[1], []).extend(json.loads(line) for line in text.splitlines())
    return found


def capture(workshop: Workshop, prefix: str) -> dict[str, Any]:
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{workshop.bucket}/{prefix}",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }


def test_variants_share_requests_by_weight_and_weights_change_in_place(workshop: Workshop) -> None:
    heavy, light = workshop.variant("heavy", weight=3, version="h"), workshop.variant("light", version="l")
    endpoint = workshop.endpoint(workshop.config(heavy, light))
    answers = [workshop.ask(endpoint) for _ in range(120)]
    assert 60 < answers.count("h:a") < 115
    assert workshop.ask(endpoint, TargetVariant="light") == "l:a"
    assert refused(workshop.ask, endpoint=endpoint, TargetVariant="nobody") == ("ValidationError", 400)
    workshop.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": "heavy", "DesiredWeight": 0, "DesiredInstanceCount": 2}],
    )
    found = {each["VariantName"]: each for each in workshop.settled(endpoint)["ProductionVariants"]}
    assert (found["heavy"]["CurrentWeight"], found["heavy"]["CurrentInstanceCount"]) == (0, 2)
    assert {workshop.ask(endpoint) for _ in range(10)} == {"l:a"}


def test_a_shadow_is_asked_and_captured_and_answers_nobody(workshop: Workshop) -> None:
    shadow = workshop.variant("shadow", version="s")
    prefix = workshop.account.unique("shadow")
    config = workshop.config(
        workshop.variant("live", version="p"),
        ShadowProductionVariants=[shadow],
        DataCaptureConfig=capture(workshop, prefix),
    )
    endpoint = workshop.endpoint(config)
    assert {workshop.ask(endpoint, f"row{index}") for index in range(8)} == {f"p:row{index}" for index in range(8)}

    def all_captured() -> dict[str, list[dict[str, Any]]] | None:
        found = captured(workshop, prefix)
        return found if [len(found.get(name, [])) for name in ("live", "shadow")] == [8, 8] else None

    lines = workshop.account.wait_until(all_captured)
    asked = {line["captureData"]["endpointInput"]["data"] for line in lines["shadow"]}
    assert asked == {f"row{index}" for index in range(8)}
    assert all(line["captureData"]["endpointOutput"]["data"].startswith("s:") for line in lines["shadow"])
    described = workshop.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert [each["VariantName"] for each in described["ShadowProductionVariants"]] == ["shadow"]


def test_a_shadow_that_errs_is_not_noticed(workshop: Workshop) -> None:
    shadow = workshop.variant("shadow", broken=True)
    endpoint = workshop.endpoint(workshop.config(workshop.variant("live"), ShadowProductionVariants=[shadow]))
    assert {workshop.ask(endpoint) for _ in range(20)} == {"1:a"}


def test_two_production_variants_cannot_have_a_shadow(workshop: Workshop) -> None:
    variants = [workshop.variant("one"), workshop.variant("two")]
    code = refused(
        workshop.sagemaker.create_endpoint_config,
        EndpointConfigName=workshop.account.unique("config"),
        ProductionVariants=variants,
        ShadowProductionVariants=[variants[0] | {"VariantName": "shadow"}],
    )
    assert code == ("ValidationException", 400)


def test_asynchronous_answers_and_failures_go_to_s3_and_to_topics(workshop: Workshop) -> None:
    sns, (url, queue) = workshop.account.client("sns"), workshop.account.queue()
    topic = sns.create_topic(Name=workshop.account.unique("topic"))["TopicArn"]
    workshop.account.later(sns.delete_topic, TopicArn=topic)
    sqs = workshop.account.client("sqs")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    output = {
        "S3OutputPath": f"s3://{workshop.bucket}/good",
        "S3FailurePath": f"s3://{workshop.bucket}/bad",
        "NotificationConfig": {"SuccessTopic": topic, "ErrorTopic": topic},
    }
    config = workshop.config(workshop.variant(), AsyncInferenceConfig={"OutputConfig": output})
    endpoint = workshop.endpoint(config)
    ask = {"EndpointName": endpoint, "ContentType": "text/csv"}
    there = workshop.runtime.invoke_endpoint_async(**ask, InputLocation=workshop.put("rows.csv", "a\nb\n"))
    nowhere = workshop.runtime.invoke_endpoint_async(**ask, InputLocation=f"s3://{workshop.bucket}/nothing")
    messages: list[dict[str, Any]] = []

    def both() -> bool:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        messages.extend(json.loads(each["Body"]) for each in found)
        return len(messages) == 2

    workshop.account.wait_until(both)
    status = {each["inferenceId"]: each["invocationStatus"] for each in messages}
    assert status == {there["InferenceId"]: "Completed", nowhere["InferenceId"]: "Failed"}
    assert workshop.get(there["OutputLocation"]) == b"1:a\n1:b\n"
    assert workshop.get(nowhere["FailureLocation"])
    assert refused(workshop.runtime.invoke_endpoint, **ask, Body=b"a") == ("ValidationError", 400)


def test_a_serverless_variant_throttles_beyond_its_concurrency(workshop: Workshop) -> None:
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
    variant = {"VariantName": "v", "ModelName": workshop.model(seconds=1), "ServerlessConfig": serverless}
    endpoint = workshop.endpoint(workshop.config(variant))

    def ask(_: int) -> str:
        try:
            return workshop.ask(endpoint)
        except ClientError as error:
            return str(error.response["Error"]["Code"])

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(6)))
    assert sorted(set(answers)) == ["1:a", "ThrottlingException"]


@pytest.mark.parametrize("what", ["isolation", "capture", "variants"])
def test_what_serverless_inference_excludes_is_refused(workshop: Workshop, what: str) -> None:
    """AWS documents the exclusions; whether the config or the endpoint is refused it does not say."""
    size = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    variants = [{"VariantName": "v", "ModelName": workshop.model(), "ServerlessConfig": size}]
    more: dict[str, Any] = {}
    if what == "isolation":
        found = workshop.sagemaker.describe_model(ModelName=variants[0]["ModelName"])
        asked = {key: found[key] for key in ("PrimaryContainer", "ExecutionRoleArn")}
        variants[0]["ModelName"] = name = workshop.account.unique("isolated")
        workshop.sagemaker.create_model(ModelName=name, EnableNetworkIsolation=True, **asked)
        workshop.account.later(workshop.sagemaker.delete_model, ModelName=name)
    if what == "capture":
        more["DataCaptureConfig"] = {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{workshop.bucket}/captured",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        }
    if what == "variants":
        variants.append({**variants[0], "VariantName": "w"})
    name = workshop.account.unique("config")
    create = workshop.sagemaker.create_endpoint_config
    assert refused(create, EndpointConfigName=name, ProductionVariants=variants, **more) == ("ValidationException", 400)


def test_an_endpoint_with_instances_cannot_become_serverless(workshop: Workshop) -> None:
    endpoint = workshop.endpoint(workshop.config(workshop.variant()))
    size = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    config = workshop.config({"VariantName": "v", "ModelName": workshop.model(), "ServerlessConfig": size})
    update = workshop.sagemaker.update_endpoint
    assert refused(update, EndpointName=endpoint, EndpointConfigName=config) == ("ValidationException", 400)


def test_a_model_that_errs_answers_a_model_error(workshop: Workshop) -> None:
    endpoint = workshop.endpoint(workshop.config(workshop.variant(broken=True)))
    assert refused(workshop.ask, endpoint=endpoint) == ("ModelError", 424)


def test_unknown_endpoints_and_names_that_are_taken_are_refused(workshop: Workshop) -> None:
    assert refused(workshop.ask, endpoint="conformance-nowhere") == ("ValidationError", 400)
    described = refused(workshop.sagemaker.describe_endpoint, EndpointName="conformance-nowhere")
    assert described == ("ValidationException", 400)
    config = workshop.config(workshop.variant())
    endpoint = workshop.endpoint(config)
    again = refused(workshop.sagemaker.create_endpoint, EndpointName=endpoint, EndpointConfigName=config)
    assert again == ("ValidationException", 400)


def rolling(**more: Any) -> dict[str, Any]:
    policy = {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 60, **more}
    return {"RollingUpdatePolicy": policy}


def blue_green(kind: str, **more: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": 600, **more}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


def pending(workshop: Workshop, endpoint: str) -> dict[str, Any] | None:
    """The new fleet's only variant, once it bakes."""
    found = workshop.sagemaker.describe_endpoint(EndpointName=endpoint)
    variants = found.get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
    status = variants[0].get("VariantStatus", [{}])[0].get("Status") if variants else ""
    return dict(variants[0]) if status == "Baking" else None


def test_a_rolling_update_replaces_instances_batch_by_batch(workshop: Workshop) -> None:
    endpoint = workshop.endpoint(workshop.config(workshop.variant(count=3)))
    new = workshop.config(workshop.variant(count=3, version="2"))
    workshop.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=new, DeploymentConfig=rolling())
    for batch in (1, 2, 3):
        workshop.account.wait_until(
            lambda batch=batch: (pending(workshop, endpoint) or {}).get("CurrentInstanceCount") == batch  # type: ignore[misc]
        )
        old = workshop.sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"][0]
        assert old["CurrentInstanceCount"] == 3 - (batch - 1)
        assert old["CurrentWeight"] == pytest.approx(1 - batch / 3, abs=1e-5)
        workshop.account.pass_time(61)
    found = workshop.settled(endpoint)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", new)
    assert workshop.ask(endpoint) == "2:a"


@pytest.mark.parametrize("policy", ["rolling", "canary"])
def test_an_alarm_brings_the_old_fleet_back_whole(workshop: Workshop, policy: str) -> None:
    cloudwatch, name = workshop.account.client("cloudwatch"), workshop.account.unique("alarm")
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace=name, MetricName="broken", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="notBreaching",
    )  # fmt: skip
    workshop.account.later(cloudwatch.delete_alarms, AlarmNames=[name])
    old = workshop.config(workshop.variant(count=2))
    endpoint = workshop.endpoint(old)
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    deployment = rolling() if policy == "rolling" else blue_green("CANARY", CanarySize=size)
    deployment["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name}]}
    new = workshop.config(workshop.variant(count=2, version="2"))
    workshop.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=new, DeploymentConfig=deployment)
    workshop.account.wait_until(lambda: pending(workshop, endpoint))
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    found = workshop.settled(endpoint)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", old)
    assert "FailureReason" not in found
    variant = found["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["CurrentWeight"]) == (2, 1)
    assert {workshop.ask(endpoint) for _ in range(6)} == {"1:a"}


@pytest.mark.parametrize(
    "deployment",
    [
        rolling(MaximumBatchSize={"Type": "CAPACITY_PERCENT", "Value": 51}),
        rolling(RollbackMaximumBatchSize={"Type": "CAPACITY_PERCENT", "Value": 4}),
        rolling(WaitIntervalInSeconds=3601),
        rolling(WaitIntervalInSeconds=3600, MaximumExecutionTimeoutInSeconds=600),
        blue_green("CANARY", CanarySize={"Type": "CAPACITY_PERCENT", "Value": 51}),
        blue_green("LINEAR", LinearStepSize={"Type": "CAPACITY_PERCENT", "Value": 5}),
        blue_green("CANARY"),
        {**rolling(), "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": AT_ONCE}},
    ],
)
def test_a_deployment_beyond_the_published_limits_is_refused(workshop: Workshop, deployment: dict[str, Any]) -> None:
    config = workshop.config(workshop.variant(count=4))
    code = refused(
        workshop.sagemaker.create_endpoint,
        EndpointName=workshop.account.unique("refused"),
        EndpointConfigName=config,
        DeploymentConfig=deployment,
    )
    assert code == ("ValidationException", 400)
