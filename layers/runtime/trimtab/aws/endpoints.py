"""SageMaker's models, endpoint configs and endpoints behind the Endpoints port."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from trimtab.aws.endpoint_state import endpoint_state
from trimtab.aws.session import client
from trimtab.errors import EndpointNotReady, RolloutInProgress
from trimtab.ports import Answer, EndpointState, Later

_HTTP_STATUS = {"ThrottlingException": 429, "ValidationError": 400, "ServiceUnavailable": 503, "InternalFailure": 500}

_JSON_LINES = "application/jsonlines"

_AS_LARGE_AS_NOW: dict[str, Any] = {
    "RetainAllVariantProperties": True,
    "ExcludeRetainedVariantProperties": [
        {"VariantPropertyType": "DesiredWeight"},
        {"VariantPropertyType": "DataCaptureConfig"},
    ],
}
"""Of what serves, only the number of instances is kept: autoscaling may have made it many more than the config's."""


class SageMakerEndpoints:
    """Endpoints in SageMaker. Names are decided by the caller, so what a lost answer made is found again."""

    def __init__(self, sagemaker: Any, runtime: Any) -> None:
        self._sagemaker, self._runtime = sagemaker, runtime

    @classmethod
    def connect(cls) -> "SageMakerEndpoints":
        """With this process's clients."""
        return cls(client("sagemaker"), client("sagemaker-runtime"))

    def create_model(
        self,
        name: str,
        *,
        image_uri: str,
        artifact_uri: str,
        environment: Mapping[str, str],
        role_arn: str,
        isolated: bool,
    ) -> None:
        container = {"Image": image_uri, "ModelDataUrl": artifact_uri, "Environment": dict(environment)}
        _unless_exists(
            lambda: self._sagemaker.create_model(
                ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role_arn, EnableNetworkIsolation=isolated
            )
        )

    def create_config(self, request: Mapping[str, Any]) -> None:
        _unless_exists(lambda: self._sagemaker.create_endpoint_config(**request))

    def create(self, endpoint: str, config: str) -> None:
        _unless_exists(lambda: self._sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config))

    def update(self, endpoint: str, config: str) -> None:
        wanted = {"EndpointName": endpoint, "EndpointConfigName": config, **self._size(endpoint)}
        _unless_busy(endpoint, lambda: self._sagemaker.update_endpoint(**wanted))

    def _size(self, endpoint: str) -> dict[str, Any]:
        """As large as now; from no instance at all, as large as the config says, or nothing would prove itself."""
        live = self.describe(endpoint)
        if live is None or not live.counts or any(live.counts.values()):
            return _AS_LARGE_AS_NOW
        excluded = [
            *_AS_LARGE_AS_NOW["ExcludeRetainedVariantProperties"],
            {"VariantPropertyType": "DesiredInstanceCount"},
        ]
        return _AS_LARGE_AS_NOW | {"ExcludeRetainedVariantProperties": excluded}

    def weigh(self, endpoint: str, weights: Mapping[str, float]) -> None:
        wanted = [{"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()]
        change = self._sagemaker.update_endpoint_weights_and_capacities
        _unless_busy(endpoint, lambda: change(EndpointName=endpoint, DesiredWeightsAndCapacities=wanted))

    def describe(self, endpoint: str) -> EndpointState | None:
        try:
            found = self._sagemaker.describe_endpoint(EndpointName=endpoint)
        except ClientError as error:
            if _is_gone(error):
                return None
            raise
        return endpoint_state(found)

    def config(self, name: str) -> Mapping[str, Any] | None:
        return _unless_missing(lambda: self._sagemaker.describe_endpoint_config(EndpointConfigName=name))

    def model(self, name: str) -> Mapping[str, Any] | None:
        return _unless_missing(lambda: self._sagemaker.describe_model(ModelName=name))

    def delete(self, endpoint: str) -> None:
        try:
            _unless_gone(lambda: self._sagemaker.delete_endpoint(EndpointName=endpoint))
        except ClientError as error:
            if _is_busy(error):
                raise EndpointNotReady(f"{endpoint} cannot be deleted yet: {error}") from error
            raise

    def delete_config(self, name: str) -> None:
        _unless_gone(lambda: self._sagemaker.delete_endpoint_config(EndpointConfigName=name))

    def delete_model(self, name: str) -> None:
        _unless_gone(lambda: self._sagemaker.delete_model(ModelName=name))

    def invoke(self, endpoint: str, body: bytes, content_type: str = _JSON_LINES, inference_id: str = "") -> Answer:
        started = time.perf_counter()
        marked = {"InferenceId": inference_id} if inference_id else {}
        status, answer = self._answer(endpoint, body, content_type, marked)
        return Answer(status, answer, (time.perf_counter() - started) * 1000)

    def invoke_later(self, endpoint: str, request_uri: str, inference_id: str) -> Later:
        accepted = self._runtime.invoke_endpoint_async(
            EndpointName=endpoint,
            InputLocation=request_uri,
            InferenceId=inference_id,
            ContentType=_JSON_LINES,
            Accept=_JSON_LINES,
        )
        return Later(accepted["OutputLocation"], accepted.get("FailureLocation", ""))

    def _answer(self, endpoint: str, body: bytes, content_type: str, marked: dict[str, str]) -> tuple[int, bytes]:
        try:
            found = self._runtime.invoke_endpoint(
                EndpointName=endpoint, Body=body, ContentType=content_type, Accept=content_type, **marked
            )
        except ClientError as error:
            return refused(error)
        return 200, found["Body"].read()


def refused(error: ClientError) -> tuple[int, bytes]:
    """Status and message of a request that was not answered with 200; the model's own where it was asked."""
    code = error.response["Error"]["Code"]
    if code == "ModelError":
        message = error.response.get("OriginalMessage") or error.response["Error"]["Message"]
        return int(error.response["OriginalStatusCode"]), str(message).encode()
    if code in _HTTP_STATUS:
        return _HTTP_STATUS[code], error.response["Error"]["Message"].encode()
    raise error


def _code_and_message(error: ClientError) -> tuple[str, str]:
    return error.response["Error"]["Code"], error.response["Error"]["Message"].lower()


def _is_gone(error: ClientError) -> bool:
    """SageMaker says ValidationException for what it could not find, and only the message tells."""
    code, message = _code_and_message(error)
    missing = "could not find" in message or "not found" in message or "does not exist" in message
    return code == "ResourceNotFound" or (code == "ValidationException" and missing)


def _exists(error: ClientError) -> bool:
    code, message = _code_and_message(error)
    existing = "already exist" in message
    return code in {"ResourceInUse", "ValidationException"} and existing


def _is_busy(error: ClientError) -> bool:
    code, message = _code_and_message(error)
    return code in {"ValidationException", "ResourceInUse"} and ("in-progress" in message or "in progress" in message)


def _unless_busy(endpoint: str, change: Callable[[], Any]) -> None:
    try:
        change()
    except ClientError as error:
        if _is_busy(error):
            raise RolloutInProgress(f"{endpoint} is being updated already: {error}") from error
        raise


def _unless_exists(create: Callable[[], Any]) -> None:
    try:
        create()
    except ClientError as error:
        if not _exists(error):
            raise


def _unless_missing(describe: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any] | None:
    try:
        return describe()
    except ClientError as error:
        if _is_gone(error):
            return None
        raise


def _unless_gone(delete: Callable[[], Any]) -> None:
    try:
        delete()
    except ClientError as error:
        if not _is_gone(error):
            raise
