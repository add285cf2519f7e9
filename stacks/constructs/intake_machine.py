"""From a dropped file to a decision about it."""

from constructs import Construct

from stacks.asl import THIS_RUN, Json, States, announce, call, choose, equals, machine, record_failure, succeed
from stacks.constructs.machine import Machine, may_announce
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.runtime_function import RuntimeFunction
from trimtab.contracts import TRAINING_REQUESTED, TRUTH_ACCEPTED

_OBJECT = {f"{field}.$": f"$.{field}" for field in ("bucket", "key", "version", "size", "sequencer")}
_DROP = {"drop.$": "$.claim.drop"}
_VALIDATED = _DROP | {"validation.$": "$.validation"}


class IntakeMachine(Construct):
    """Owns the machine ``intake`` and its four functions. No state."""

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts) -> None:
        super().__init__(scope, id)
        self.claim_drop = _claim_drop(self, parts)
        self.validate_drop = _validate_drop(self, parts)
        self.accept_drop = _accept_drop(self, parts)
        self.quarantine_drop = _quarantine_drop(self, parts)
        self.functions = (self.claim_drop, self.validate_drop, self.accept_drop, self.quarantine_drop)
        self.machine = Machine(
            self,
            "Intake",
            name=parts.names.machine("intake"),
            definition=self._definition(parts.record_failure),
            invokes=(*self.functions, parts.record_failure),
            key=parts.operations_key,
            stage=parts.stage,
        )
        self.machine.allow(may_announce(TRAINING_REQUESTED, TRUTH_ACCEPTED))

    def _definition(self, failure: RuntimeFunction) -> Json:
        states = self._claiming() | self._deciding() | _telling() | record_failure(failure, "intake")
        return machine("A dropped file is accepted or quarantined, once.", "ClaimDrop", states, timeout_s=3600)

    def _claiming(self) -> States:
        return {
            "ClaimDrop": call(
                self.claim_drop, THIS_RUN | _OBJECT, result="$.claim", then="IsClaimed", on_error="RecordFailure"
            ),
            "IsClaimed": choose(
                equals("$.claim.outcome", "Claimed", "ValidateDrop"),
                equals("$.claim.outcome", "Duplicate", "Duplicate"),
                equals("$.claim.outcome", "Superseded", "Superseded"),
                otherwise="Removed",
            ),
            "Duplicate": succeed("The same content was dropped before."),
            "Superseded": succeed("A newer version of the object is there."),
            "Removed": succeed("The object was gone before it could be read."),
        }

    def _deciding(self) -> States:
        return {
            "ValidateDrop": call(
                self.validate_drop, THIS_RUN | _DROP, result="$.validation", then="IsFit", on_error="RecordFailure"
            ),
            "IsFit": choose(
                equals("$.validation.verdict", "quarantine", "QuarantineDrop"),
                otherwise="AcceptDrop",
            ),
            "AcceptDrop": call(
                self.accept_drop,
                THIS_RUN | _VALIDATED,
                result="$.acceptance",
                then="IsTrainingWanted",
                on_error="RecordFailure",
            ),
            "QuarantineDrop": call(
                self.quarantine_drop,
                THIS_RUN | _VALIDATED,
                result="$.quarantine",
                then="Quarantined",
                on_error="RecordFailure",
            ),
            "Quarantined": succeed("The file breaks its contract; people were told."),
        }


def _telling() -> States:
    training = {
        "model.$": "$.model",
        "reason.$": "$.acceptance.training.reason",
        "cause": "data",
        "requested_by": "",
        "at.$": "$.at",
    }
    truth = {"model.$": "$.model", "at.$": "$.at"}
    return {
        "IsTrainingWanted": choose(
            equals("$.acceptance.training.requested", True, "RequestTraining"), otherwise="IsTruth"
        ),
        "RequestTraining": announce(TRAINING_REQUESTED, training, then="IsTruth", on_error="RecordFailure"),
        "IsTruth": choose(equals("$.claim.drop.kind", "truth", "AnnounceTruth"), otherwise="Accepted"),
        "AnnounceTruth": announce(TRUTH_ACCEPTED, truth, then="Accepted", on_error="RecordFailure"),
        "Accepted": succeed("The file is part of the model's data."),
    }


def _claim_drop(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads every object for its digest, and writes down which belong to a drop of many."""
    function = parts.function(scope, "claim_drop", timeout_s=300)
    parts.drops.grant_read(function.role, "data", "truth", "quarantine")
    parts.drops.grant_list(function.role)
    parts.artifacts.grant_read(function.role, "drops")
    parts.artifacts.grant_write(function.role, "drops")
    return function


def _validate_drop(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads the object and the reference profile, writes report and profile."""
    function = parts.function(scope, "validate_drop", columnar=True, timeout_s=600)
    parts.drops.grant_read(function.role, "data", "truth", "quarantine")
    parts.artifacts.grant_read(function.role, "reports", "datasets", "drops", "references")
    parts.artifacts.grant_write(function.role, "reports")
    return function


def _accept_drop(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    return parts.function(scope, "accept_drop")


def _quarantine_drop(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Copies the object aside and tells people."""
    function = parts.function(scope, "quarantine_drop", timeout_s=300)
    parts.drops.grant_read(function.role, "data", "truth")
    parts.artifacts.grant_read(function.role, "drops")
    parts.drops.grant_write(function.role, "quarantine")
    parts.notifications.grant_publish(function.role)
    return function
