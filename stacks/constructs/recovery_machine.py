"""From an alarm, or truth that came while one rings, to a training, a rollback, or the reason why neither."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.arns import arn
from stacks.asl import (
    THIS_MOMENT,
    THIS_RUN,
    Json,
    States,
    again,
    announce,
    call,
    choose,
    equals,
    machine,
    record_failure,
    succeed,
)
from stacks.constructs.machine import Machine, may_announce
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.runtime_function import RuntimeFunction
from trimtab.contracts import ROLLBACK_REQUESTED, TRAINING_REQUESTED
from trimtab.errors import DecisionOvertaken, LedgerConflict

_ROLLBACK: Json = {
    "model.$": "$.model",
    "to.$": "$.decision.rollback.to",
    "reason.$": "$.decision.rollback.reason",
    "by": "rollout.after",
    "at.$": "$.decision.at",
}


class RecoveryMachine(Construct):
    """Owns the machine ``recovery`` and its function. No state."""

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts) -> None:
        super().__init__(scope, id)
        self.decide_retrain = _decide_retrain(self, parts)
        self.functions = (self.decide_retrain,)
        self.machine = Machine(
            self,
            "Recovery",
            name=parts.names.machine("recovery"),
            definition=self._definition(parts.record_failure),
            invokes=(*self.functions, parts.record_failure),
            key=parts.operations_key,
            stage=parts.stage,
        )
        self.machine.allow(may_announce(TRAINING_REQUESTED, ROLLBACK_REQUESTED))

    def _definition(self, failure: RuntimeFunction) -> Json:
        states = self._deciding() | _acting() | record_failure(failure, "recovery")
        return machine("An alarm may start a training.", "IsPerson", states, timeout_s=3600)

    def _deciding(self) -> States:
        """A person says no time: now is when they ask."""
        return {
            "IsPerson": choose(equals("$.cause", "resumed", "ResumeRetraining"), otherwise="DecideRetrain"),
            "DecideRetrain": self._ask(THIS_RUN),
            "ResumeRetraining": self._ask(THIS_MOMENT),
            "IsWanted": choose(
                equals("$.decision.start", True, "RequestTraining"),
                equals("$.decision.outcome", "RollbackRequested", "RequestRollback"),
                equals("$.decision.outcome", "Deferred", "Deferred"),
                equals("$.decision.outcome", "Told", "Told"),
                equals("$.decision.outcome", "Cleared", "Told"),
                equals("$.decision.outcome", "Nothing", "Nothing"),
                equals("$.decision.outcome", "Duplicate", "Nothing"),
                otherwise="Suppressed",
            ),
        }

    def _ask(self, moment: Json) -> Json:
        return call(
            self.decide_retrain,
            moment | {"asked.$": "$"},
            result="$.decision",
            then="IsWanted",
            on_error="RecordFailure",
            # Another decision is being made, whose lease ends within a minute, or was made meanwhile.
            retries=[again([LedgerConflict.__name__, DecisionOvertaken.__name__], first_s=5, attempts=10)],
        )


def _acting() -> States:
    request = {
        "model.$": "$.model",
        "reason.$": "$.decision.reason",
        "cause.$": "$.cause",
        "requested_by": "",
        "at.$": "$.decision.at",
    }
    return {
        "RequestTraining": announce(TRAINING_REQUESTED, request, then="Started", on_error="RecordFailure"),
        "Started": succeed("A training was asked for."),
        "RequestRollback": announce(ROLLBACK_REQUESTED, _ROLLBACK, then="RolledBack", on_error="RecordFailure"),
        "RolledBack": succeed("The version is new and worse than its limits: a rollback was asked for."),
        "Deferred": succeed("The request is kept: it is decided on again when what is in its way has passed."),
        "Told": succeed("The alarm starts nothing, or it is over; the ledger has it."),
        "Nothing": succeed("Nothing asks for a training, or it was decided on before."),
        "Suppressed": succeed("Policy held the training back; the ledger says why."),
    }


def _decide_retrain(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads which alarms ring; tells people of a version that may have to be rolled back."""
    function = parts.function(scope, "decide_retrain")
    parts.notifications.grant_publish(function.role)
    function.allow(iam.PolicyStatement(actions=["cloudwatch:DescribeAlarmsForMetric"], resources=["*"]))
    function.allow(iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=[arn("cloudwatch", "alarm:*")]))
    return function
