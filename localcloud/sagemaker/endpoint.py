"""One endpoint: its record, the fleets that its traffic goes to, and what capture keeps of it."""

import random
import sys
import threading
import traceback
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from localcloud.sagemaker.asynchronous import AsyncRequests
from localcloud.sagemaker.capture import CaptureQueue
from localcloud.sagemaker.errors import ApiError, JobFailedError
from localcloud.sagemaker.events import emit, upper_status
from localcloud.sagemaker.fleet import Fleet, Variant
from localcloud.sagemaker.instance import HealthCheckError
from localcloud.sagemaker.quotas import Usage
from localcloud.sagemaker.service import Record, Region, public

_RESTART_SECONDS = 60.0
PROVISIONING_ERRORS = (HealthCheckError, JobFailedError, ApiError, ClientError)


class Route(NamedTuple):
    """A fleet and its share of the traffic, 0..1."""

    share: float
    fleet: Fleet


class NotServingError(Exception):
    """Raised when an endpoint has no fleet to send a request to."""


class VariantState(NamedTuple):
    """What a fleet's variants are going through, for VariantStatus."""

    status: str
    message: str
    since: Any


class Endpoint:
    """An endpoint. `routes` is replaced as a whole, so every request sees either the old or the new split."""

    kind = "Endpoint"

    def __init__(self, region: Region, name: str, config: Record, deployment: dict[str, Any] | None) -> None:
        self.region = region
        self.name = name
        now = region.now()
        self.record: Record = {
            "EndpointName": name,
            "EndpointArn": region.arn("endpoint", name),
            "EndpointConfigName": config["EndpointConfigName"],
            "EndpointStatus": "Creating",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        self.config = config
        self.last_deployment = deployment
        self.data_capture: dict[str, Any] | None = config.get("DataCaptureConfig")
        self.reserved = Usage()
        self.routes: tuple[Route, ...] = ()
        self.pending: Fleet | None = None
        self.pending_since: Any = None
        self.states: dict[int, VariantState] = {}
        self.deleted = threading.Event()
        self.capture = CaptureQueue(name, self._upload)
        self.requests = AsyncRequests(region, self)
        self._ready = threading.Event()
        self._ready.set()
        self._variants: dict[str, tuple[float, int]] = {}
        self._requests: dict[str, Record] = {}

    def kept(self) -> Record:
        """What a restart needs, as plain data."""
        variants = self.current.variants.values() if self.current else []
        return {
            "record": self.record,
            "config": self.config,
            "last_deployment": self.last_deployment,
            "data_capture": self.data_capture,
            "variants": {each.name: (each.weight, each.desired_count) for each in variants} or self._variants,
            "requests": self._requests if not self._ready.is_set() else self.requests.kept(),
        }

    @classmethod
    def restored(cls, region: Region, name: str, kept: Record) -> "Endpoint":
        """The endpoint as it was kept; requests wait until `resume` has started its fleet."""
        endpoint = cls(region, name, kept["config"], kept["last_deployment"])
        endpoint.record, endpoint.data_capture = kept["record"], kept["data_capture"]
        endpoint._variants, endpoint._requests = kept["variants"], kept["requests"]
        endpoint._ready.clear()
        return endpoint

    def resume(self) -> None:
        """The endpoint serves again, on the configuration that it was on, however far an update had come."""
        try:
            if self.status == "Deleting":
                self.delete()
            elif self.status != "Failed":
                self.create(self._variants)
                self.requests.resume(self._requests)
        finally:
            self._ready.set()

    def usage(self) -> Usage:
        """The endpoint's instances, and those that it is about to start, by quota."""
        return sum((fleet.usage() for fleet in self.fleets()), self.reserved)

    def fleets(self) -> list[Fleet]:
        """The fleets that serve, and the one that is about to."""
        fleets = [route.fleet for route in self.routes]
        return fleets if self.pending is None or self.pending in fleets else [*fleets, self.pending]

    @property
    def arn(self) -> str:
        """The endpoint's ARN."""
        return str(self.record["EndpointArn"])

    @property
    def status(self) -> str:
        """EndpointStatus."""
        return str(self.record["EndpointStatus"])

    @property
    def current(self) -> Fleet | None:
        """The fleet of the configuration that the endpoint is on; None before it first served."""
        return self.routes[0].fleet if self.routes else None

    def set_status(self, status: str, **members: Any) -> None:
        """The endpoint has this status, which an event tells."""
        with self.region.lock:
            self.record.update(members, EndpointStatus=status, LastModifiedTime=self.region.now())
            if status not in ("Failed", "UpdateRollbackFailed"):
                self.record.pop("FailureReason", None)
        self.region.changed(self.kind, self.name)
        self._emit("SageMaker Endpoint State Change")

    def set_state(self, fleet: Fleet, status: str, message: str) -> None:
        """The fleet's variants have this VariantStatus, which a deployment event tells."""
        self.states[id(fleet)] = VariantState(status, message, self.region.now())
        self._emit("SageMaker Endpoint Deployment State Change")

    def settle(self, fleet: Fleet) -> None:
        """All traffic goes to `fleet`, and nothing is pending."""
        self.routes = (Route(1.0, fleet),)
        self.pending = None
        self.states.clear()

    @property
    def role_arn(self) -> str:
        """The execution role of the models that serve, or are about to."""
        fleet = self.current or self.pending
        if fleet is None:
            raise NotServingError(self.name)
        return fleet.role_arn

    def create(self, scaled: dict[str, tuple[float, int]] | None = None) -> None:
        """The endpoint is InService or Failed; `scaled` are weights and counts other than the configuration's."""
        try:
            fleet = Fleet(self.region, self.name, self.config)
            for name, (weight, count) in (scaled or {}).items():
                fleet.variants[name].weight, fleet.variants[name].desired_count = weight, count
            fleet.start()
        except PROVISIONING_ERRORS as error:
            self.set_status("Failed", FailureReason=str(error))
            return
        except Exception as error:  # a fault of ours must not leave the endpoint Creating for ever
            traceback.print_exc()
            self.set_status("Failed", FailureReason=f"Request to service failed: {error}")
            return
        finally:
            self.reserved = Usage()
        if self.deleted.is_set():
            fleet.close()
            return
        self.settle(fleet)
        self.set_status("InService")

    def delete(self) -> None:
        """Nothing of the endpoint is left; what it captured is in S3."""
        self.deleted.set()
        self.requests.close()
        role_arn = self.role_arn if self.current or self.pending else ""
        fleets, self.routes = self.fleets(), ()
        for fleet in fleets:
            fleet.close()
        self.flush_capture(role_arn)
        with self.region.lock:
            self.region.endpoints.pop(self.name, None)
            self.region.tags.pop(self.arn, None)
        self.region.changed(self.kind, self.name)
        self.region.changed()

    def enter(self, target: str | None) -> tuple[Fleet, Variant]:
        """A fleet that the request is inside of, and the variant to ask.

        Raises NotServingError, KeyError for an unknown target variant, or ThrottledError.
        """
        while True:
            routes = self.routes or (self._ready.wait(_RESTART_SECONDS) and self.routes)
            if not routes:
                raise NotServingError(self.name)
            fleet = self._drawn(routes)
            variant = fleet.variants[target] if target else fleet.pick()
            if fleet.enter(variant):
                return fleet, variant

    def _drawn(self, routes: tuple[Route, ...]) -> Fleet:
        """A fleet by its share of the traffic. From a queue only a fleet takes requests that has an instance."""
        taking = tuple(route for route in routes if route.fleet.has_instances) if self.requests.config else routes
        if len(taking) == 1 or not taking:
            return (taking or routes)[0].fleet
        return taking[0].fleet if random.random() < taking[0].share else taking[1].fleet

    @property
    def has_instances(self) -> bool:
        """Whether anything could answer a request that waits."""
        return any(route.fleet.has_instances for route in self.routes)

    def flush_capture(self, role_arn: str = "") -> None:
        """What was captured is in S3; what S3 refuses is lost, and said so on standard error."""
        try:
            self.capture.flush(role_arn or self.role_arn)
        except NotServingError:
            return
        except (ClientError, JobFailedError) as error:
            print(f"Data capture of endpoint {self.name} could not be written: {error}", file=sys.stderr, flush=True)

    def describe(self) -> Record:
        """DescribeEndpoint's answer."""
        answer = dict(self.record)
        if self.current is not None:
            answer |= self._summaries(self.current)
        if self.pending is not None:
            answer["PendingDeploymentSummary"] = {
                "EndpointConfigName": self.pending.config_name,
                **self._summaries(self.pending),
                "StartTime": self.pending_since,
            }
        answer["DataCaptureConfig"] = self._capture_summary()
        answer["LastDeploymentConfig"] = self.last_deployment
        answer["AsyncInferenceConfig"] = self.config.get("AsyncInferenceConfig")
        return public(answer)

    def _capture_summary(self) -> Record | None:
        config = self.data_capture
        if config is None:
            return None
        started = config.get("EnableCapture", True) and self.status != "Creating"
        return public(
            {
                "EnableCapture": config.get("EnableCapture", True),
                "CaptureStatus": "Started" if started else "Stopped",
                "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
                "DestinationS3Uri": config["DestinationS3Uri"],
                "KmsKeyId": config.get("KmsKeyId", ""),
            }
        )

    def _share(self, fleet: Fleet) -> float:
        return next((route.share for route in self.routes if route.fleet is fleet), 0.0)

    def _summaries(self, fleet: Fleet) -> Record:
        share, state = self._share(fleet), self.states.get(id(fleet))
        kinds = {
            "ProductionVariants": fleet.variants.values(),
            "ShadowProductionVariants": filter(None, [fleet.shadow]),
        }
        summaries = {kind: [_summary(each, share, state) for each in variants] for kind, variants in kinds.items()}
        return {kind: found for kind, found in summaries.items() if found}

    def _emit(self, detail_type: str) -> None:
        with self.region.lock:
            detail = self.describe() | {"EndpointStatus": upper_status(self.status)}
        emit(self.region, detail_type, detail, self.arn)

    def _upload(self, role_arn: str, bucket: str, key: str, body: bytes) -> None:
        key_id = (self.data_capture or {}).get("KmsKeyId")
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
        self.region.client(role_arn, "s3", self.arn).put_object(Bucket=bucket, Key=key, Body=body, **encryption)


def _summary(variant: Variant, share: float, state: VariantState | None) -> Record:
    image = variant.serving.image_uri
    summary: Record = {
        "VariantName": variant.name,
        "DeployedImages": [{"SpecifiedImage": image, "ResolvedImage": image}],
        "CurrentWeight": round(variant.weight * share, 6),
        "DesiredWeight": variant.weight,
    }
    if variant.serverless:
        summary |= {"CurrentServerlessConfig": variant.serverless, "DesiredServerlessConfig": variant.serverless}
    else:
        summary |= {"CurrentInstanceCount": variant.count, "DesiredInstanceCount": variant.desired_count}
    if state is not None:
        summary["VariantStatus"] = [{"Status": state.status, "StatusMessage": state.message, "StartTime": state.since}]
    return summary
