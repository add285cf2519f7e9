"""One UpdateEndpoint as it happens: the new fleet starts, traffic shifts and bakes, or all of it comes back."""

import math
import traceback
from typing import Any

from botocore.exceptions import ClientError

from localcloud.faults.plan import Kind
from localcloud.sagemaker.endpoint import PROVISIONING_ERRORS, Endpoint, Route
from localcloud.sagemaker.errors import JobFailedError
from localcloud.sagemaker.fleet import Fleet
from localcloud.sagemaker.rollout_plan import Plan
from localcloud.sagemaker.service import Record

_LOOK_SECONDS = 0.2


class RollbackError(Exception):
    """Raised when the deployment must not go on; the message says why."""


class EndpointDeletedError(Exception):
    """Raised when the endpoint is deleted in the middle of the deployment."""


class Rollout:
    """The deployment of `config` to an endpoint in service. Waits are virtual time, starting instances is real."""

    def __init__(self, endpoint: Endpoint, config: Record, plan: Plan, retained: "Retained") -> None:
        self._endpoint = endpoint
        self._config = config
        self._plan = plan
        self._retained = retained
        self._clock = endpoint.region.cloud.clock
        self._deadline = self._clock.now() + plan.timeout_seconds
        self._mixed = endpoint.fleets()[1:]  # left by a rollback that failed

    def run(self) -> None:
        """The endpoint is InService: on the new configuration, or back on the old one."""
        old = self._endpoint.current
        if old is None:
            raise RuntimeError(f"endpoint {self._endpoint.name} was never in service")
        new: Fleet | None = None
        try:
            new = self._provision()
            self._shift(old, new)
        except EndpointDeletedError:
            _close(new)
        except (*PROVISIONING_ERRORS, RollbackError) as error:
            self._roll_back(old, new, str(error))
        except Exception as error:  # a fault of ours must not leave the endpoint Updating for ever
            traceback.print_exc()
            self._roll_back(old, new, str(error))
        else:
            self._finish(old, new)

    def _provision(self) -> Fleet:
        endpoint, plan = self._endpoint, self._plan
        fleet = Fleet(endpoint.region, endpoint.name, self._config)
        self._retained.apply(fleet)
        endpoint.pending = fleet
        endpoint.pending_since = endpoint.region.now()
        share = plan.shares[0] if self._is_rolling else 1.0
        endpoint.set_state(fleet, "Creating", f"Launching {math.ceil(fleet.instances * share)} instance(s).")
        fleet.start(share)
        return fleet

    @property
    def _is_rolling(self) -> bool:
        return self._plan.kind == "ROLLING"

    def _shift(self, old: Fleet, new: Fleet) -> None:
        """A rolling deployment has no more instances than both fleets need: each batch takes the place of another."""
        self._watch_alarms_for(0)
        for share in self._plan.shares:
            if new.share < share:
                self._endpoint.set_state(new, "Creating", f"Launching instance(s) for {self._capacity(new, share)}.")
                new.resize(share)
            capacity = self._capacity(new, share)
            self._endpoint.set_state(new, "ActivatingTraffic", f"Activating traffic on {capacity}.")
            self._endpoint.routes = (Route(1.0 - share, old), Route(share, new))
            self._bake(new, self._plan.bake_seconds, "WaitIntervalInSeconds", capacity)
            if self._is_rolling and share < 1.0:
                old.resize(1.0 - share)
        wait = self._plan.termination_wait_seconds
        self._bake(new, wait, "TerminationWaitInSeconds", self._capacity(new, 1.0))

    def _bake(self, fleet: Fleet, seconds: float, name: str, capacity: str) -> None:
        if seconds:
            message = f"Baking for {seconds:g} seconds ({name}) with traffic enabled on {capacity}."
            self._endpoint.set_state(fleet, "Baking", message)
        self._watch_alarms_for(seconds)

    def _capacity(self, fleet: Fleet, share: float) -> str:
        if share == 1.0:
            return f"full capacity of {fleet.instances} instance(s)"
        kind = {"CANARY": "canary", "LINEAR": "linear step", "ROLLING": "batch"}[self._plan.kind]
        return f"{kind} capacity of {math.ceil(fleet.instances * share)} instance(s)"

    def _watch_alarms_for(self, seconds: float) -> None:
        """Virtual `seconds` have passed without an alarm. Raises RollbackError or EndpointDeletedError."""
        end = self._clock.now() + seconds
        while True:
            if self._endpoint.deleted.is_set():
                raise EndpointDeletedError
            self._check_alarms()
            left = end - self._clock.now()
            if left <= 0:
                return
            if self._clock.now() > self._deadline:
                raise RollbackError("The deployment took longer than MaximumExecutionTimeoutInSeconds.")
            self._clock.sleep(min(left, _LOOK_SECONDS * self._clock.speed), self._endpoint.deleted)

    def _check_alarms(self) -> None:
        names = list(self._plan.alarms)
        if not names:
            return
        states = self._alarm_states(names)
        missing = [name for name in names if name not in states]
        if missing:
            raise RollbackError(f"The alarms {', '.join(missing)} of the rollback configuration do not exist.")
        fired = [name for name, state in states.items() if state == "ALARM"]
        if fired:
            raise RollbackError(f"One or more alarms are in ALARM state: {', '.join(fired)}.")

    def _alarm_states(self, names: list[str]) -> dict[str, str]:
        client = self._endpoint.region.client(self._endpoint.role_arn, "cloudwatch", self._endpoint.arn)
        try:
            answer = client.describe_alarms(AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        except ClientError as error:
            raise RollbackError(f"The alarms of the rollback configuration cannot be read: {error}") from error
        found = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}

    def _roll_back(self, old: Fleet, new: Fleet | None, reason: str) -> None:
        """All traffic is on the old fleet again; afterwards the endpoint does not say that this happened.

        When the old fleet of a rolling deployment cannot have its instances back, the endpoint is
        UpdateRollbackFailed, and both fleets serve.
        """
        endpoint = self._endpoint
        if endpoint.deleted.is_set():
            _close(new)
            return
        fault = endpoint.region.cloud.faults.fault(Kind.FAIL_ROLLBACK, "sagemaker", "UpdateEndpoint", endpoint.name)
        if not self._is_rolling and fault is None:
            endpoint.routes = (Route(1.0, old),)
        endpoint.set_status("RollingBack")
        if endpoint.pending is not None:
            endpoint.set_state(endpoint.pending, "Deleting", f"Terminating instance(s): {reason}")
        try:
            if fault is not None:
                raise JobFailedError(fault.message)
            self._restore(old, new)
        except PROVISIONING_ERRORS as error:
            endpoint.set_status("UpdateRollbackFailed", FailureReason=str(error))
            return
        endpoint.settle(old)
        for fleet in (new, *self._mixed):
            _close(fleet)
        endpoint.set_status("InService")

    def _restore(self, old: Fleet, new: Fleet | None) -> None:
        """The old fleet has all its instances and all the traffic."""
        for share in self._plan.rollback_shares:
            old.resize(max(share, old.share))
            if new is not None and self._endpoint.routes[0].share < share < 1.0:
                self._endpoint.routes = (Route(share, old), Route(1.0 - share, new))
        self._endpoint.routes = (Route(1.0, old),)

    def _finish(self, old: Fleet, new: Fleet) -> None:
        endpoint = self._endpoint
        endpoint.set_state(old, "Deleting", f"Terminating {old.instances} instance(s).")
        endpoint.flush_capture()
        endpoint.settle(new)
        endpoint.config = self._config
        endpoint.data_capture = self._retained.data_capture(self._config)
        endpoint.set_status("InService", EndpointConfigName=new.config_name)
        for fleet in (old, *self._mixed):
            fleet.close()


class Retained:
    """What RetainAllVariantProperties keeps of the endpoint as it is: weights, counts and data capture."""

    def __init__(self, endpoint: Endpoint, request: dict[str, Any]) -> None:
        excluded = {each["VariantPropertyType"] for each in request.get("ExcludeRetainedVariantProperties", [])}
        every = {"DesiredWeight", "DesiredInstanceCount", "DataCaptureConfig"}
        self._kept = every - excluded if request.get("RetainAllVariantProperties") else set()
        self._endpoint = endpoint

    def apply(self, fleet: Fleet) -> None:
        """The new fleet's variants have what is retained of the old ones."""
        current = self._endpoint.current
        for name, variant in fleet.variants.items():
            before = current.variants.get(name) if current else None
            if before is None:
                continue
            if "DesiredWeight" in self._kept:
                variant.weight = before.weight
            if "DesiredInstanceCount" in self._kept and not variant.serverless and not before.serverless:
                variant.desired_count = before.desired_count

    def data_capture(self, config: Record) -> dict[str, Any] | None:
        """The data capture in force with the new configuration."""
        if "DataCaptureConfig" in self._kept:
            return self._endpoint.data_capture
        return config.get("DataCaptureConfig")


def _close(fleet: Fleet | None) -> None:
    if fleet is not None:
        fleet.close()
