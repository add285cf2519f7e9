"""Who says yes to a version, for how long it holds, and what happens when a rollout is under way."""

from typing import Literal

from pydantic import Field

from trimtab.spec.base import Section


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
    busy: Literal["queue", "supersede", "refuse"] = "queue"
    """What an approval does while another version is being promoted: it waits, takes its place, or is refused."""
