"""Approvers let a rollout go on that waits at a manual gate."""

from constructs import Construct

from stacks.asl import THIS_MOMENT, Json, call, choose, equals, machine, record_failure, succeed
from stacks.constructs.machine import Machine
from stacks.constructs.model_parts import ModelParts

_LONGEST_S = 10 * 60
_REQUEST = ("step", "by", "reason")


class GateRelease(Construct):
    """Owns the machine ``release`` and its function. No state.

    People start a machine in place of writing to the ledger: whoever may put rows of it could put any, and what lets
    traffic go on is the machine's own word. CloudTrail's record of the start says who they are.
    """

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts) -> None:
        super().__init__(scope, id)
        self._parts = parts
        self.release_gate = parts.function(self, "release_gate")
        self.machine = Machine(
            self,
            "Release",
            name=parts.names.machine("release"),
            definition=self._definition(),
            invokes=(self.release_gate, parts.record_failure),
            key=parts.operations_key,
            stage=parts.stage,
        )

    def _definition(self) -> Json:
        states = {
            "ReleaseGate": call(
                self.release_gate,
                THIS_MOMENT | {f"{name}.$": f"$.{name}" for name in _REQUEST},
                result="$.release",
                then="IsReleased",
                on_error="RecordFailure",
            ),
            "IsReleased": choose(equals("$.release.outcome", "Released", "Released"), otherwise="Refused"),
            "Released": succeed("The rollout goes on at its next look."),
            "Refused": succeed("No gate waits, or another one; the rollout is as it was."),
        } | record_failure(self._parts.record_failure, "release")
        return machine("A person opens a manual gate.", "ReleaseGate", states, timeout_s=_LONGEST_S)
