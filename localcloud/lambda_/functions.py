"""The functions in moto's records, as something that can be run."""

import json
import queue
import random
import sys
import threading
from dataclasses import dataclass
from typing import Any
from zipfile import BadZipFile

from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.lambda_.assets import Assets
from localcloud.lambda_.asynchronous import Event, Policy, Verdict, policy_of
from localcloud.lambda_.checks import additional_weights
from localcloud.lambda_.destinations import Destinations
from localcloud.lambda_.engine import Engine, Response
from localcloud.lambda_.environment import Request
from localcloud.lambda_.launch import Launcher
from localcloud.lambda_.overlay import OverlayError
from localcloud.lambda_.records import dead_letter_arn, specification
from localcloud.lambda_.specification import LATEST, FunctionSpec
from localcloud.lambda_.trace import trace_of
from localcloud.lambda_.xray import XRayDaemon

ROLE_REFUSED = "The role defined for the function cannot be assumed by Lambda."


@dataclass(frozen=True)
class Found:
    """What an Invoke request resolved to: a version, and the latest record, which holds the function's settings."""

    spec: FunctionSpec
    latest: Any
    qualifier: str | None

    @property
    def invoked_arn(self) -> str:
        """The ARN as it was invoked, which the function sees in its context."""
        return f"{self.latest.function_arn}:{self.qualifier}" if self.qualifier else str(self.latest.function_arn)

    @property
    def resource(self) -> str:
        """The value of the metric dimension Resource."""
        return self.spec.name + (f":{self.qualifier}" if self.qualifier else "")


class Functions:
    """Finds functions, prepares their packages and runs them."""

    def __init__(self, cloud: Cloud, assets: Assets, xray: XRayDaemon) -> None:
        self._cloud = cloud
        self._assets = assets
        self._launcher = Launcher(cloud, assets, xray.address)
        self._engine = Engine(cloud, self._launcher, xray)
        self._destinations = Destinations(cloud)
        self._layers: dict[str, Any] = {}
        self._kept = cloud.durable.keep("lambda.layers", dump=lambda: self._layers, load=self._layers.update)
        self._to_prepare: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._prepare, name="lambda-prepare", daemon=True).start()

    def find(self, region: str, name_or_arn: str, qualifier: str | None = None) -> Found:
        """The version that an Invoke request means. Raises moto's UnknownFunctionException."""
        backend = self._backend(region)
        record = backend.get_function(name_or_arn, qualifier)
        latest = backend.get_function(record.function_name)
        qualifier = _qualifier_in(name_or_arn) or qualifier
        routed = _routed_version(backend, record.function_name, qualifier)
        if routed is not None:
            record = backend.get_function(record.function_name, routed)
        return Found(self.specification(record), latest, qualifier)

    def specification(self, record: Any) -> FunctionSpec:
        """The specification of a version; its code and layers are unzipped, and moto holds no copy any more."""
        layers = self._layers_of(record)
        for asset in (record, *layers):
            self._assets.ensure(asset.code_digest, asset.code_bytes)
            asset.code_bytes = b""
        return specification(record, tuple(layer.code_digest for layer in layers), record.code_digest)

    def remember_layers(self, region: str, arns: list[str]) -> None:
        """The layer versions stay usable by functions that have them, even when they are deleted."""
        for arn in arns:
            self._layers[arn] = self._layer(region, arn)
        self._kept.changed()

    def prepare(self, record: Any) -> None:
        """The first invocation will not have to unzip and compile, unless it comes very soon."""
        self._to_prepare.put(record)

    def unzipped_bytes(self, record: Any) -> int:
        """Size of a function's code and layers together. Raises zipfile.BadZipFile."""
        assets = (record, *self._layers_of(record))
        return sum(self._assets.measure(asset.code_digest, asset.code_bytes) for asset in assets)

    def invoke(self, found: Found, request: Request) -> Response:
        """The function has run. Raises what Engine.invoke raises."""
        reserved = found.latest.reserved_concurrency
        return self._engine.invoke(found.spec, None if reserved is None else int(reserved), request)

    def invoke_event(self, event: Event) -> Response:
        """A queued event has run. Raises Throttled."""
        found = self.find(event.region, event.function, event.qualifier)
        trace = trace_of(event.trace, found.spec.traced)
        request = Request(event.payload, found.invoked_arn, found.resource, event.request_id, trace)
        try:
            return self.invoke(found, request)
        except (ClientError, LookupError) as error:
            answer = {"errorType": "AccessDeniedException", "errorMessage": f"{ROLE_REFUSED} {error}"}
            if isinstance(error, LookupError):
                answer = {"errorType": "InvalidRuntimeException", "errorMessage": str(error)}
            return Response(json.dumps(answer).encode(), True, b"")

    def queued(self, found: Found, payload: bytes, request_id: str, trace: str | None) -> Event:
        """An event for the asynchronous queue; it is counted as received."""
        self._count(found, "AsyncEventsReceived")
        now = self._cloud.clock.now()
        return Event(found.spec.region, found.spec.name, found.qualifier, payload, request_id, trace, now)

    def policy(self, event: Event) -> Policy | None:
        """What the function says about failed events; None when the function is gone."""
        found = self._find_event(event)
        if found is None:
            return None
        configs = found.latest.event_invoke_config
        return policy_of(configs[0].config if configs else {}, dead_letter_arn(found.latest))

    def deliver(self, event: Event, policy: Policy, verdict: Verdict) -> None:
        """The outcome of an event has gone to destinations and dead-letter queue."""
        found = self._find_event(event)
        if found is None:
            return
        for failure in self._destinations.deliver(found.spec, event, policy, verdict):
            self._count(found, failure)
        if verdict.condition != "Success" and not (policy.on_failure or policy.dead_letter):
            self._count(found, "AsyncEventsDropped")

    def retire(self, region: str, name_or_arn: str) -> None:
        """No process of the function is kept."""
        record = self._backend(region).get_function(name_or_arn)
        self._engine.retire(record.function_arn)

    def _count(self, found: Found, metric: str) -> None:
        self._engine.reporter.metrics(found.spec.region, found.spec.name, found.resource, [(metric, 1.0, "Count")])

    def _find_event(self, event: Event) -> Found | None:
        from moto.awslambda.exceptions import UnknownFunctionException

        try:
            return self.find(event.region, event.function, event.qualifier)
        except UnknownFunctionException:
            return None

    def _layers_of(self, record: Any) -> list[Any]:
        return [self._layer(record.region, layer["Arn"]) for layer in record.layers or []]

    def _layer(self, region: str, arn: str) -> Any:
        return self._backend(region).layers_versions_by_arn(arn) or self._layers[arn]

    def _backend(self, region: str) -> Any:
        from moto.awslambda.models import lambda_backends

        return lambda_backends[self._cloud.account][region]

    def _prepare(self) -> None:
        while True:
            record = self._to_prepare.get()
            try:
                self._launcher.package(self.specification(record))
            except (OverlayError, LookupError, BadZipFile) as error:
                print(f"The function {record.function_name} will not run: {error}", file=sys.stderr, flush=True)


def _routed_version(backend: Any, name: str, qualifier: str | None) -> str | None:
    """The additional version to which a weighted alias sends this invocation; None when it goes to the usual one."""
    alias = backend._lambdas._get_function_aliases(name).get(qualifier)
    draw = random.random()
    for version, weight in additional_weights(alias.routing_config if alias else None).items():
        draw -= weight
        if draw < 0:
            return version
    return None


def _qualifier_in(name_or_arn: str) -> str | None:
    name = name_or_arn.rpartition(":function:")[2]
    qualifier = name.partition(":")[2]
    return None if not qualifier or qualifier == LATEST else qualifier
