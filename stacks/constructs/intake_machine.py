"""From a dropped file to a decision about it."""

from constructs import Construct

from stacks.asl import (
    THIS_RUN,
    Json,
    States,
    announce,
    call,
    choose,
    equals,
    exceeds,
    machine,
    matches,
    one_share,
    record_failure,
    spread,
    succeed,
)
from stacks.constructs.lake_judging import LakeJudging
from stacks.constructs.machine import Machine, may_announce, may_spread
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.runtime_function import COLUMNAR_MEMORY_MB, RuntimeFunction
from trimtab.contracts import TRAINING_REQUESTED, TRUTH_ACCEPTED

_SHARES, _HASHES = "Shares", "Hashes"
_MEGABYTE = 1024 * 1024
_OBJECT = {f"{field}.$": f"$.{field}" for field in ("bucket", "key", "version", "size", "sequencer")}
_DROP = {"drop.$": "$.claim.drop"}
_VALIDATED = _DROP | {"validation.$": "$.validation"}


class IntakeMachine(Construct):
    """Owns the machine ``intake`` and its functions. No state."""

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts) -> None:
        super().__init__(scope, id)
        self.claim_drop = _claim_drop(self, parts)
        self.hash_share = _hash_share(self, parts)
        self.validate_drop = _validate_drop(self, parts)
        self.accept_drop = _accept_drop(self, parts)
        self.quarantine_drop = _quarantine_drop(self, parts)
        self.plan_shares = _plan_shares(self, parts)
        self.validate_share = _validate_share(self, parts)
        self.merge_shares = _merge_shares(self, parts)
        lake = parts.spec.data.lake
        self._lake = LakeJudging(self, "Lake", parts=parts, lake=lake) if lake else None
        self.functions = (
            *(self._lake.functions if self._lake else ()),
            *(self.claim_drop, self.hash_share, self.validate_drop, self.accept_drop, self.quarantine_drop),
            *(self.plan_shares, self.validate_share, self.merge_shares),
        )
        self._fan_out = parts.spec.data.fan_out
        name = parts.names.machine("intake")
        self.machine = Machine(
            self,
            "Intake",
            name=name,
            definition=self._definition(parts.record_failure),
            invokes=(*self.functions, parts.record_failure),
            key=parts.operations_key,
            stage=parts.stage,
        )
        self.machine.allow(
            may_announce(TRAINING_REQUESTED, TRUTH_ACCEPTED),
            *may_spread(name, (_HASHES, _SHARES), parts.operations_key),
        )
        if self._lake:
            self._lake.allow(self.machine)
            self._lake.grant_claim(self.claim_drop)

    def _definition(self, failure: RuntimeFunction) -> Json:
        states = (
            self._claiming() | self._validating() | self._deciding() | _telling() | record_failure(failure, "intake")
        )
        seconds = 6 * 3600 + (self._lake.timeout_s if self._lake else 0)
        return machine("A dropped file is accepted or quarantined, once.", "ClaimDrop", states, timeout_s=seconds)

    def _claiming(self) -> States:
        return {
            "ClaimDrop": call(
                self.claim_drop, THIS_RUN | _OBJECT, result="$.claim", then="IsClaimed", on_error="RecordFailure"
            ),
            "IsClaimed": choose(
                equals("$.claim.outcome", "Claimed", "IsLarge"),
                equals("$.claim.outcome", "Unhashed", "HashShares"),
                equals("$.claim.outcome", "Duplicate", "Duplicate"),
                equals("$.claim.outcome", "Superseded", "Superseded"),
                otherwise="Removed",
            ),
            "HashShares": spread(
                "$.claim.shares",
                THIS_RUN | {"share.$": "$$.Map.Item.Value"},
                one_share(
                    self.hash_share, (), does="HashShare", done="ShareHashed", failed="HashFailed", counts="bytes"
                ),
                label=_HASHES,
                at_once=self._fan_out.at_once,
                result="$.hashed",
                then="ClaimHashed",
                on_error="RecordFailure",
            ),
            "ClaimHashed": call(
                self.claim_drop,
                THIS_RUN | _OBJECT | {"hashed": True},
                result="$.claim",
                then="IsClaimed",
                on_error="RecordFailure",
            ),
            "Duplicate": succeed("The same content was dropped before."),
            "Superseded": succeed("A newer version of the object is there."),
            "Removed": succeed("The object was gone before it could be read."),
        }

    def _validating(self) -> States:
        """In one pass, above a size in shares, or where it lies by a job; all ways the same."""
        return {
            "IsLarge": self._is_large(),
            **(self._lake.states(then="IsFit", on_error="RecordFailure") if self._lake else {}),
            "ValidateDrop": call(
                self.validate_drop, THIS_RUN | _DROP, result="$.validation", then="IsFit", on_error="RecordFailure"
            ),
            "PlanShares": call(
                self.plan_shares, THIS_RUN | _DROP, result="$.plan", then="ValidateShares", on_error="RecordFailure"
            ),
            "ValidateShares": spread(
                "$.plan.shares",
                THIS_RUN | _DROP | {"share.$": "$$.Map.Item.Value"},
                one_share(
                    self.validate_share,
                    ("drop",),
                    does="ValidateShare",
                    done="ShareExamined",
                    failed="ShareFailed",
                    counts="rows",
                ),
                label=_SHARES,
                at_once=self._fan_out.at_once,
                result="$.examined",
                then="MergeShares",
                on_error="RecordFailure",
            ),
            "MergeShares": call(
                self.merge_shares, THIS_RUN | _DROP, result="$.validation", then="IsFit", on_error="RecordFailure"
            ),
        }

    def _is_large(self) -> Json:
        """A table in a lake is never brought here, whatever its size."""
        above = int(self._fan_out.above_megabytes * _MEGABYTE)
        elsewhere = [matches("$.claim.drop.lake", "s3://*", "PlanLake")] if self._lake else []
        return choose(*elsewhere, exceeds("$.claim.drop.size", above, "PlanShares"), otherwise="ValidateDrop")

    def _deciding(self) -> States:
        return {
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
    """Reads the objects of a small drop for their digests, and writes down which belong to a drop of many."""
    function = parts.function(scope, "claim_drop", timeout_s=300)
    parts.drops.grant_read(function.role, "data", "truth", "quarantine")
    parts.drops.grant_list(function.role)
    parts.artifacts.grant_read(function.role, "drops")
    parts.artifacts.grant_write(function.role, "drops")
    parts.temporary.grant_read(function.role, "hashing")
    parts.temporary.grant_write(function.role, "hashing")
    return function


def _hash_share(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads some of a large drop's bytes, writes digests. It has nothing to do with the ledger."""
    function = RuntimeFunction(
        scope, "hash_share", defaults=parts.defaults, timeout_s=840, memory_mb=COLUMNAR_MEMORY_MB
    )
    parts.drops.grant_read(function.role, "data", "truth", "quarantine")
    parts.temporary.grant_read(function.role, "hashing")
    parts.temporary.grant_write(function.role, "hashing")
    return function


def _validate_drop(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads the object and the reference profile, writes report and profile."""
    function = parts.function(scope, "validate_drop", columnar=True, timeout_s=600)
    parts.drops.grant_read(function.role, "data", "truth", "quarantine")
    parts.artifacts.grant_read(function.role, "reports", "datasets", "drops", "references")
    parts.artifacts.grant_write(function.role, "reports")
    return function


def _plan_shares(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads the footers of Parquet objects, writes the plan."""
    function = parts.function(scope, "plan_shares", columnar=True, timeout_s=600)
    parts.drops.grant_read(function.role, "data", "truth", "quarantine")
    parts.artifacts.grant_read(function.role, "drops", "references")
    parts.temporary.grant_write(function.role, "shares")
    return function


def _validate_share(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads a part of the objects, writes partial results. It has nothing to do with the ledger."""
    function = RuntimeFunction(scope, "validate_share", defaults=parts.defaults, columnar=True, timeout_s=780)
    parts.drops.grant_read(function.role, "data", "truth", "quarantine")
    parts.artifacts.grant_read(function.role, "drops", "references")
    parts.temporary.grant_read(function.role, "shares")
    parts.temporary.grant_write(function.role, "shares")
    return function


def _merge_shares(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads partial results and the reference profile, writes report and profile; never the drop itself."""
    function = parts.function(scope, "merge_shares", columnar=True, timeout_s=780)
    parts.artifacts.grant_read(function.role, "reports", "datasets", "drops", "references")
    parts.temporary.grant_read(function.role, "shares")
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
