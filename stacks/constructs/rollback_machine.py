"""From somebody's wish for an earlier version to the proof that it serves."""

from constructs import Construct

from stacks.asl import (
    THIS_MOMENT,
    WHY,
    Json,
    States,
    absent,
    announce,
    call,
    choose,
    equals,
    fail,
    machine,
    poll,
    record_failure,
    remember,
    succeed,
)
from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.machine import Machine, may_announce
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.runtime_function import RuntimeFunction
from stacks.constructs.serving_rights import may_look_after_scaling, may_prove
from stacks.constructs.triggers import Call, ended
from trimtab.contracts import PROMOTION_REQUESTED
from trimtab.errors import EndpointNotReady, RolloutInProgress
from trimtab.names import RECORDS

_STOPPING_S = 20 * 60
"""Seconds that a promotion which was stopped is given to end."""
_RESTORING_S = 60 * 60
_LONGEST_S = 110 * 60
"""Shorter than the lease that the rollback takes."""
_REQUEST = {field: f"$.{field}" for field in ("to", "reason", "by")}


class RollbackMachine(Construct):
    """Owns the machine ``rollback``, its three functions, and the rule that frees its lease. No state."""

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts) -> None:
        super().__init__(scope, id)
        self._parts = parts
        self.begin_rollback = _begin_rollback(self, parts)
        self.restore_version = _restore_version(self, parts)
        self.close_rollback = _close_rollback(self, parts)
        self.functions = (self.begin_rollback, self.restore_version, self.close_rollback)
        self.machine = Machine(
            self,
            "Rollback",
            name=parts.names.machine("rollback"),
            definition=self._definition(),
            invokes=(*self.functions, parts.record_failure),
            key=parts.operations_key,
            stage=parts.stage,
        )
        self.machine.allow(may_announce(PROMOTION_REQUESTED))

    def close_what_breaks_off(self, dead_letters: DeadLetters) -> None:
        """An execution that is stopped or runs out of time does not keep the lease."""
        told = {
            "model": self._parts.spec.name,
            "at": "$.time",
            "execution": "$.detail.name",
            "failure": "$.detail.status",
        }
        Call(
            self,
            "Broken",
            function=self.close_rollback,
            pattern=ended([self.machine], "ABORTED", "TIMED_OUT"),
            inputs=told,
            dead_letters=dead_letters,
        )

    def _definition(self) -> Json:
        states = self._beginning() | self._restoring() | self._closing()
        states |= record_failure(self._parts.record_failure, "rollback")
        return machine("An earlier version is brought back, and proven.", "BeginRollback", states, timeout_s=_LONGEST_S)

    def _beginning(self) -> States:
        asked = THIS_MOMENT | {f"{name}.$": path for name, path in _REQUEST.items()}
        return {
            "BeginRollback": call(
                self.begin_rollback,
                asked | {"patience": "wait"},
                result="$.rollback",
                then="IsBegun",
                on_error="BeginRegardless",
                retries=[poll(RolloutInProgress.__name__, every_s=10, for_s=_STOPPING_S)],
            ),
            "BeginRegardless": call(
                self.begin_rollback,
                asked | {"patience": "over"},
                result="$.rollback",
                then="IsBegun",
                on_error="NoteFailure",
            ),
            "IsBegun": choose(equals("$.rollback.outcome", "Begun", "RestoreVersion"), otherwise="Refused"),
            "Refused": succeed("There is nothing to go back to, or a reason not to; production is as it was."),
        }

    def _restoring(self) -> States:
        waits = [
            poll(error.__name__, every_s=15, for_s=_RESTORING_S) for error in (RolloutInProgress, EndpointNotReady)
        ]
        return {
            "RestoreVersion": call(
                self.restore_version,
                THIS_MOMENT | {"rollback.$": "$.rollback"},
                result="$.restored",
                then="NoteRestored",
                on_error="NoteFailure",
                retries=waits,
            ),
            "NoteRestored": remember({"outcome": "Restored", "failure": ""}, at="$.end", then="CloseRollback"),
            "NoteFailure": remember({"outcome": "Failed", "failure.$": WHY}, at="$.end", then="CloseRollback"),
        }

    def _closing(self) -> States:
        waiting = {f"{field}.$": f"$.closed.next.{field}" for field in ("model", "package_arn", "at")}
        return {
            "CloseRollback": call(
                self.close_rollback,
                THIS_MOMENT | {"failure.$": "$.end.failure"},
                result="$.closed",
                then="IsNextWaiting",
                on_error="RecordFailure",
            ),
            "IsNextWaiting": choose(absent("$.closed.next", "Outcome"), otherwise="AnnounceNext"),
            "AnnounceNext": announce(PROMOTION_REQUESTED, waiting, then="Outcome", on_error="RecordFailure"),
            "Outcome": choose(equals("$.end.outcome", "Restored", "Restored"), otherwise="RollbackFailed"),
            "Restored": succeed("The earlier version serves all production traffic."),
            "RollbackFailed": fail("RollbackFailed", "$.end.failure"),
        }


def _begin_rollback(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Withdraws the approval of what is on its way, and throws its stop switch."""
    function = parts.function(scope, "begin_rollback")
    parts.allow_registry(function, "sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage")
    parts.allow_endpoint(function.role, parts.names.endpoint, "sagemaker:DescribeEndpoint")
    parts.allow_serving(function, "sagemaker:DescribeModel", "sagemaker:DescribeEndpointConfig")
    parts.allow_alarms(function, "cloudwatch:SetAlarmState")
    return function


def _restore_version(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Moves production, makes model and config again when they are gone, and rejects what was rolled back."""
    function = parts.function(scope, "restore_version", timeout_s=300)
    parts.allow_registry(function, "sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage")
    parts.allow_endpoint(
        function.role,
        parts.names.endpoint,
        "sagemaker:DescribeEndpoint",
        "sagemaker:CreateEndpoint",
        "sagemaker:UpdateEndpoint",
        "sagemaker:DeleteEndpoint",
    )
    may_prove(function, parts)
    may_look_after_scaling(function, parts)
    parts.allow_serving(
        function,
        "sagemaker:DescribeModel",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:CreateModel",
        "sagemaker:CreateEndpointConfig",
    )
    parts.execution_role.grant_pass(function.role)
    parts.serverless_role.grant_pass(function.role)
    parts.allow_alarms(function, "cloudwatch:SetAlarmState")
    parts.artifacts.grant_read(function.role, "runs", RECORDS)
    parts.allow_lineage(function)
    parts.notifications.grant_publish(function.role)
    return function


def _close_rollback(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Tells people of a failure."""
    function = parts.function(scope, "close_rollback")
    parts.notifications.grant_publish(function.role)
    return function
