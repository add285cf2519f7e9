"""SageMaker's endpoints behind the port. moto has no UpdateEndpoint, so that is tried on the local cloud."""

import io
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.contracts import Settings
from trimtab.errors import EndpointNotReady, RolloutInProgress
from trimtab.rollout.requests import production_config, staging_config
from trimtab.spec.rollout import RolloutSpec

ROLE = "arn:aws:iam::123456789012:role/serving"
SETTINGS = Settings(
    stage="test",
    ledger_table="ledger",
    drops_bucket="drops",
    artifacts_bucket="artifacts",
    captures_bucket="captures",
    topic_arn="arn:aws:sns:us-east-1:123456789012:topic",
    artifacts_key_id="arn:aws:kms:us-east-1:123456789012:key/1",
    captures_key_id="arn:aws:kms:us-east-1:123456789012:key/2",
)


@pytest.fixture
def endpoints(aws: None) -> SageMakerEndpoints:
    return SageMakerEndpoints(boto3.client("sagemaker"), boto3.client("sagemaker-runtime"))


def make(endpoints: SageMakerEndpoints, name: str = "tiny-v1") -> None:
    endpoints.create_model(
        name,
        image_uri="image",
        artifact_uri="s3://a/model.tar.gz",
        environment={"A": "1"},
        role_arn=ROLE,
        isolated=True,
    )
    endpoints.create_config(production_config(name, name, RolloutSpec(), SETTINGS, "s3://captures/tiny/capture"))


def test_an_endpoint_is_made_found_and_removed(endpoints: SageMakerEndpoints) -> None:
    assert endpoints.describe("tiny") is None
    make(endpoints)
    endpoints.create("tiny", "tiny-v1")
    live = endpoints.describe("tiny")
    assert live is not None
    assert (live.name, live.config) == ("tiny", "tiny-v1")
    endpoints.delete("tiny")
    assert endpoints.describe("tiny") is None


def test_making_again_what_a_lost_answer_made_is_no_error(endpoints: SageMakerEndpoints) -> None:
    for _ in range(2):
        make(endpoints)
        endpoints.create("tiny", "tiny-v1")
    assert endpoints.describe("tiny") is not None


def test_removing_what_is_gone_is_no_error(endpoints: SageMakerEndpoints) -> None:
    endpoints.delete("nobody")
    endpoints.delete_config("nobody")
    endpoints.delete_model("nobody")


@pytest.mark.parametrize("isolated", [True, False])
def test_a_model_has_no_network_where_sagemaker_can_isolate_it(aws: None, isolated: bool) -> None:
    sagemaker = boto3.client("sagemaker", region_name="us-east-1")
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model/tiny-v1"
    expected = {
        "ModelName": "tiny-v1",
        "PrimaryContainer": {"Image": "image", "ModelDataUrl": "s3://a/model.tar.gz", "Environment": {"A": "1"}},
        "ExecutionRoleArn": ROLE,
        "EnableNetworkIsolation": isolated,
    }
    with Stubber(sagemaker) as stub:
        stub.add_response("create_model", {"ModelArn": arn}, expected)
        SageMakerEndpoints(sagemaker, None).create_model(
            "tiny-v1",
            image_uri="image",
            artifact_uri="s3://a/model.tar.gz",
            environment={"A": "1"},
            role_arn=ROLE,
            isolated=isolated,
        )
        stub.assert_no_pending_responses()


def test_production_is_captured_and_encrypted_and_staging_is_not_captured(endpoints: SageMakerEndpoints) -> None:
    make(endpoints)
    endpoints.create_config(staging_config("tiny-staging", "tiny-v1", RolloutSpec(), SETTINGS))
    describe = boto3.client("sagemaker").describe_endpoint_config
    production = describe(EndpointConfigName="tiny-v1")
    assert production["KmsKeyId"] == SETTINGS.artifacts_key_id
    assert production["DataCaptureConfig"]["KmsKeyId"] == SETTINGS.captures_key_id
    assert production["DataCaptureConfig"]["InitialSamplingPercentage"] == 100
    assert not describe(EndpointConfigName="tiny-staging").get("DataCaptureConfig")


def stubbed(
    operation: str, *, runtime: bool = False, live: dict[str, Any] | None = None, **answer: Any
) -> tuple[SageMakerEndpoints, Stubber]:
    """Endpoints whose next call of ``operation`` gets ``answer``: an error when it names a code.

    Who looks before at the endpoint sees ``live``.
    """
    clients = [boto3.client(name, region_name="us-east-1") for name in ("sagemaker", "sagemaker-runtime")]
    stub = Stubber(clients[runtime])
    if live:
        stub.add_response("describe_endpoint", live)
    if "service_error_code" in answer:
        stub.add_client_error(operation, **answer)
    else:
        stub.add_response(operation, answer)
    stub.activate()
    return SageMakerEndpoints(*clients), stub


BUSY: dict[str, Any] = {
    "service_error_code": "ValidationException",
    "service_message": 'Cannot update in-progress endpoint "arn:x".',
}


def serving(instances: int) -> dict[str, Any]:
    """DescribeEndpoint's answer for an endpoint with so many instances."""
    return {
        "EndpointName": "tiny",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/tiny",
        "EndpointConfigName": "tiny-v1",
        "EndpointStatus": "InService",
        "CreationTime": 0,
        "LastModifiedTime": 0,
        "ProductionVariants": [
            {"VariantName": "main", "CurrentInstanceCount": instances, "DesiredInstanceCount": instances}
        ],
    }


@pytest.mark.parametrize(("instances", "counts_anew"), [(5, False), (0, True)])
def test_an_update_keeps_the_instances_that_there_are_and_starts_some_where_there_are_none(
    aws: None, instances: int, counts_anew: bool
) -> None:
    asked: list[dict[str, Any]] = []
    endpoints, _ = stubbed("update_endpoint", live=serving(instances), EndpointArn=serving(1)["EndpointArn"])
    endpoints._sagemaker.meta.events.register(
        "provide-client-params.sagemaker.UpdateEndpoint", lambda params, **_: asked.append(params)
    )
    endpoints.update("tiny", "tiny-v2")
    (wanted,) = asked
    own = {each["VariantPropertyType"] for each in wanted["ExcludeRetainedVariantProperties"]}
    assert own == {"DesiredWeight", "DataCaptureConfig"} | ({"DesiredInstanceCount"} if counts_anew else set())


def test_an_update_during_an_update_may_be_retried(aws: None) -> None:
    endpoints, _ = stubbed("update_endpoint", live=serving(1), **BUSY)
    with pytest.raises(RolloutInProgress, match="is being updated already"):
        endpoints.update("tiny", "tiny-v2")


def test_a_deletion_during_an_update_may_be_retried(aws: None) -> None:
    endpoints, _ = stubbed("delete_endpoint", **BUSY)
    with pytest.raises(EndpointNotReady, match="cannot be deleted yet"):
        endpoints.delete("tiny")


def test_any_other_refusal_is_not_taken_for_something_else(aws: None) -> None:
    endpoints, _ = stubbed(
        "update_endpoint",
        live=serving(1),
        service_error_code="ValidationException",
        service_message="1 validation error detected",
    )
    with pytest.raises(ClientError):
        endpoints.update("tiny", "tiny-v2")


def test_the_models_own_status_is_seen_behind_sagemakers_424(aws: None) -> None:
    endpoints, _ = stubbed(
        "invoke_endpoint",
        runtime=True,
        service_error_code="ModelError",
        service_message="Received client error (400) from main",
        http_status_code=424,
        modeled_fields={"OriginalStatusCode": 400, "OriginalMessage": '{"error": "line 1 has no x"}'},
    )
    answer = endpoints.invoke("tiny", b"{}")
    assert (answer.status, answer.body) == (400, b'{"error": "line 1 has no x"}')


@pytest.mark.parametrize(("code", "status"), [("ThrottlingException", 429), ("ServiceUnavailable", 503)])
def test_what_sagemaker_itself_refuses_has_a_status_too(aws: None, code: str, status: int) -> None:
    endpoints, _ = stubbed("invoke_endpoint", runtime=True, service_error_code=code, service_message="later")
    assert endpoints.invoke("tiny", b"{}").status == status


def test_an_answer_comes_with_its_latency(aws: None) -> None:
    body = StreamingBody(io.BytesIO(b"{}\n"), 3)
    endpoints, _ = stubbed("invoke_endpoint", runtime=True, Body=body, ContentType="application/jsonlines")
    answer = endpoints.invoke("tiny", b"{}")
    assert (answer.status, answer.body) == (200, b"{}\n")
    assert answer.latency_ms > 0


def test_a_pending_update_names_the_config_it_moves_to(aws: None) -> None:
    from tests.fakes import NOON

    endpoints, _ = stubbed(
        "describe_endpoint",
        EndpointName="tiny",
        EndpointArn="arn:aws:sagemaker:us-east-1:123456789012:endpoint/tiny",
        EndpointConfigName="tiny-v1",
        EndpointStatus="Updating",
        CreationTime=NOON,
        LastModifiedTime=NOON,
        PendingDeploymentSummary={"EndpointConfigName": "tiny-v2"},
    )
    live = endpoints.describe("tiny")
    assert live is not None
    assert (live.status, live.config, live.pending_config) == ("Updating", "tiny-v1", "tiny-v2")
