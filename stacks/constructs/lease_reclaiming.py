"""A training that is stopped or runs out of time does not keep others waiting until its lease expires."""

from constructs import Construct

from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.machine import Machine, may_announce
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.triggers import Call, ended
from trimtab.contracts import TRAINING_REQUESTED


class LeaseReclaiming(Construct):
    """Owns the function ``reclaim_lease`` and the rule that calls it. No state."""

    def __init__(
        self, scope: Construct, id: str, *, parts: ModelParts, machine: Machine, dead_letters: DeadLetters
    ) -> None:
        super().__init__(scope, id)
        function = parts.function(self, "reclaim_lease")
        function.allow(may_announce(TRAINING_REQUESTED))
        told = {"model": parts.spec.name, "at": "$.time", "execution": "$.detail.name", "status": "$.detail.status"}
        # An execution that fails has mostly given the lease back; not where giving it back is what failed.
        Call(
            self,
            "Broken",
            function=function,
            pattern=ended([machine], "ABORTED", "TIMED_OUT", "FAILED"),
            inputs=told,
            dead_letters=dead_letters,
        )
