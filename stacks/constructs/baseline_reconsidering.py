"""How a person says what windows of the serving version are held against."""

from aws_cdk import CfnOutput
from constructs import Construct

from stacks.asl import THIS_MOMENT, Json, call, choose, equals, machine, record_failure, succeed
from stacks.constructs.machine import Machine
from stacks.constructs.model_parts import ModelParts

_LONGEST_S = 10 * 60
_REQUEST = ("window", "by", "reason")


class BaselineReconsidering(Construct):
    """Owns the machine ``baseline`` and its function. No state.

    People start a machine in place of invoking the function: CloudTrail's record of the start says who they are, and
    when it was and what it is called is the machine's own word.
    """

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts) -> None:
        super().__init__(scope, id)
        self._parts = parts
        self.reconsider_baseline = parts.function(self, "reconsider_baseline")
        parts.captures.grant_read(self.reconsider_baseline.role, "windows")
        parts.artifacts.grant_write(self.reconsider_baseline.role, "baselines")
        parts.notifications.grant_publish(self.reconsider_baseline.role)
        self.machine = Machine(
            self,
            "Baseline",
            name=parts.names.machine("baseline"),
            definition=self._definition(),
            invokes=(self.reconsider_baseline, parts.record_failure),
            key=parts.operations_key,
            stage=parts.stage,
        )
        CfnOutput(scope, "BaselineMachine", value=self.machine.arn)

    def _definition(self) -> Json:
        states = {
            "ReconsiderBaseline": call(
                self.reconsider_baseline,
                THIS_MOMENT | {f"{name}.$": f"$.{name}" for name in _REQUEST},
                result="$.word",
                then="IsReconsidered",
                on_error="RecordFailure",
            ),
            "IsReconsidered": choose(equals("$.word.outcome", "Reconsidered", "Reconsidered"), otherwise="Refused"),
            "Reconsidered": succeed("Later windows are held against what the person named."),
            "Refused": succeed("That is no baseline; windows are held against what they were."),
        } | record_failure(self._parts.record_failure, "baseline")
        return machine("A person reconsiders the baseline.", "ReconsiderBaseline", states, timeout_s=_LONGEST_S)
