"""InvokeEndpointAsync: accepted requests wait in a queue; their answers go to S3 and, if asked for, to SNS."""

import json
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from localcloud.sagemaker.connections import ModelAnswer
from localcloud.sagemaker.errors import JobFailedError
from localcloud.sagemaker.service import Record, Region
from localcloud.sagemaker.transfer import Transfer
from localcloud.sagemaker.uris import join_s3_uri

if TYPE_CHECKING:
    from localcloud.sagemaker.endpoint import Endpoint

_DEFAULT_WORKERS = 4  # AWS chooses a number that it does not publish
_LOOK_SECONDS = 0.2
_TTL_SECONDS = 21_600
_TIMEOUT_SECONDS = 900


class AsyncRequests:
    """The queue of one endpoint with an AsyncInferenceConfig."""

    def __init__(self, region: Region, endpoint: "Endpoint") -> None:
        self._region = region
        self._endpoint = endpoint
        self._waiting: dict[str, Record] = {}
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._closed = threading.Event()

    @property
    def config(self) -> Record | None:
        """The endpoint's AsyncInferenceConfig."""
        found: Record | None = self._endpoint.config.get("AsyncInferenceConfig")
        return found

    def add(self, request: Record) -> Record:
        """The request (InvokeEndpointAsync's members) is accepted; InferenceId, OutputLocation, FailureLocation."""
        output = (self.config or {})["OutputConfig"]
        number = str(uuid.uuid4())
        accepted = {
            "TTL": _TTL_SECONDS,
            "Timeout": _TIMEOUT_SECONDS,
            "InferenceId": str(uuid.uuid4()),
            **request,
            "OutputLocation": join_s3_uri(output["S3OutputPath"], f"{number}.out"),
            "received": self._region.cloud.clock.now(),
        }
        if "S3FailurePath" in output:
            accepted["FailureLocation"] = join_s3_uri(output["S3FailurePath"], f"{number}-error.out")
        self._submit(number, accepted)
        return accepted

    def kept(self) -> dict[str, Record]:
        """Requests that were accepted and are not answered yet."""
        with self._lock:
            return dict(self._waiting)

    def resume(self, kept: dict[str, Record]) -> None:
        """The requests wait again."""
        for number, request in kept.items():
            self._submit(number, request)

    def close(self) -> None:
        """No waiting request is begun any more."""
        self._closed.set()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _submit(self, number: str, request: Record) -> None:
        with self._lock:
            if self._pool is None:
                client = (self.config or {}).get("ClientConfig", {})
                workers = client.get("MaxConcurrentInvocationsPerInstance", _DEFAULT_WORKERS)
                self._pool = ThreadPoolExecutor(workers, f"async-{self._endpoint.name}")
            self._waiting[number] = request
            self._pool.submit(self._answer, number, request)
        self._region.changed(self._endpoint.kind, self._endpoint.name)

    def _answer(self, number: str, request: Record) -> None:
        if not self._wait_for_an_instance(request):
            return  # it is kept, and waits again after a restart
        try:
            self._carry_out(request)
        except (ClientError, JobFailedError) as error:
            print(f"An asynchronous answer of {self._endpoint.name} could not be written: {error}", file=sys.stderr)
        finally:
            with self._lock:
                self._waiting.pop(number, None)
            self._region.changed(self._endpoint.kind, self._endpoint.name)

    def _wait_for_an_instance(self, request: Record) -> bool:
        """Whether the request can be carried out, or has expired; False when the endpoint goes before."""
        while not self._endpoint.has_instances and not self._has_expired(request):
            if self._closed.wait(_LOOK_SECONDS) or self._region.cloud.stopping.is_set():
                return False
        return True

    def _has_expired(self, request: Record) -> bool:
        return self._region.cloud.clock.now() - float(request["received"]) > float(request["TTL"])

    def _carry_out(self, request: Record) -> None:
        output = (self.config or {})["OutputConfig"]
        transfer = Transfer(self._region, self._endpoint.role_arn, self._endpoint.arn)
        try:
            answer = self._invoke(request, transfer.read(request["InputLocation"]))
            reason = "" if 200 <= answer.status < 300 else _model_failure(answer.status)
        except JobFailedError as error:
            answer, reason = ModelAnswer(400, "text/plain", str(error).encode()), str(error)
        place = request.get("FailureLocation") if reason else request["OutputLocation"]
        if place:
            transfer.upload(place, answer.body, output.get("KmsKeyId"))
        self._notify(output.get("NotificationConfig", {}), request, answer, reason)

    def _invoke(self, request: Record, body: bytes) -> ModelAnswer:
        from localcloud.sagemaker.invoke import Call, invoke

        if self._has_expired(request):
            raise JobFailedError("The request expired in the queue before it was processed.")
        call = Call(
            body=body,
            content_type=request.get("ContentType", "application/octet-stream"),
            accept=request.get("Accept", "*/*"),
            inference_id=request["InferenceId"],
            custom_attributes=request.get("CustomAttributes"),
            timeout=float(request["Timeout"]),
        )
        return invoke(self._endpoint, call)[1]

    def _notify(self, config: Record, request: Record, answer: ModelAnswer, reason: str) -> None:
        topic = config.get("ErrorTopic" if reason else "SuccessTopic")
        if topic:
            sns = self._region.client(self._endpoint.role_arn, "sns", self._endpoint.arn)
            sns.publish(TopicArn=topic, Message=json.dumps(self._message(request, answer, reason)))

    def _message(self, request: Record, answer: ModelAnswer, reason: str) -> dict[str, Any]:
        """AWS's notification, as its users show it."""
        parameters = {
            "accept": request.get("Accept"),
            "contentType": request.get("ContentType"),
            "endpointName": self._endpoint.name,
            "inputLocation": request["InputLocation"],
        }
        result: Record = {
            "responseParameters": {"contentType": answer.content_type, "outputLocation": request["OutputLocation"]}
        }
        if reason:
            result = {
                "failureReason": f"ClientError: {reason}",
                "responseParameters": {"outputLocation": request.get("FailureLocation")},
            }
        return {
            "awsRegion": self._region.name,
            "eventTime": _time_text(self._region.cloud.clock.now()),
            "receivedTime": _time_text(request["received"]),
            "invocationStatus": "Failed" if reason else "Completed",
            "requestParameters": {name: value for name, value in parameters.items() if value},
            **result,
            "inferenceId": request["InferenceId"],
            "eventVersion": "1.0",
            "eventSource": "aws:sagemaker",
            "eventName": "InferenceResult",
        }


def _model_failure(status: int) -> str:
    side = "client" if 400 <= status < 500 else "server"
    return (
        f"Received {side} error ({status}) from model. See the SageMaker Endpoint logs in your account for more "
        "information."
    )


def _time_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
