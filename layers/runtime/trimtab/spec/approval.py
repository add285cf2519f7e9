"""Who says yes to a version, for how long it holds, and what happens when a rollout is under way."""

from typing import Literal, Self

from pydantic import Field, model_validator

from trimtab.spec.base import Section


class AutoApproval(Section):
    """When a version is approved by rule. Everything here has to hold, each with a number that was measured."""

    gates: tuple[str, ...] = Field(min_length=1)
    """Gates, as the judgement names them (``champion``, ``latency``; ``bias`` for all that begin so), that must have
    passed by what they measured: one that had nothing to judge, or an accepted risk, does not count."""
    max_metric_change: float = Field(gt=0)
    """Largest difference of the primary metric to the champion on the same rows, for the better too: what is much
    better than ever is often a leak."""
    max_prediction_change: float = Field(gt=0)
    """Largest share of rows that are decided otherwise than by the champion; of numbers, the mean absolute difference
    in standard deviations of the label."""


class ApprovalSpec(Section):
    """Who says yes, and for how long it holds."""

    expiry_days: int = Field(default=30, ge=1)
    """Days after registration in which a version may be promoted; a vote counts as long."""
    approvers: int = Field(default=1, ge=1, le=5)
    """How many people have to approve; who submitted a version is none of them."""
    by: tuple[str, ...] = ()
    """ARNs of users, roles or sessions whose approval counts, with * for any text; everybody's when empty."""
    four_eyes: bool = False
    """An approval by somebody whom nobody can name does not count."""
    auto: AutoApproval | None = None
    """Without the section, which is the default, only people approve. With it, a version that a machine has asked for
    and that keeps to it is approved by rule; a person may still reject it, and a rollout of it then goes back."""
    busy: Literal["queue", "supersede", "refuse"] = "queue"
    """What an approval does while another version is being promoted: it waits, takes its place, or is refused."""

    @model_validator(mode="after")
    def _a_rule_is_nobody(self) -> Self:
        if self.auto is not None and (self.approvers > 1 or self.four_eyes or self.by):
            raise ValueError("auto approves by rule, and approvers, four_eyes and by ask for people: leave one out")
        return self
