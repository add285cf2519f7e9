"""The section that says what happens once a version serves: how it is watched, and what is kept of the others."""

from typing import Literal

from pydantic import Field

from trimtab.spec.base import Section


class AfterSpec(Section):
    """What is done after a rollout."""

    watch_hours: int = Field(default=24, ge=0, le=720)
    """For so long after it took over, a version that is measured beyond its limits is a case for a rollback."""
    action: Literal["tell", "rollback"] = "tell"
    """``tell`` proposes the rollback with its command, and retraining goes on; ``rollback`` performs it instead."""
    keep_versions: int = Field(default=2, ge=1, le=20)
    """As many versions that served before keep their endpoint config and model, however old they are."""
    grace_days: int = Field(default=7, ge=0, le=365)
    """Those of the others are kept for so long after they served last."""
    reconcile: str = Field(default="rate(1 day)", pattern=r"^(rate|cron)\(.+\)$")
    """How often endpoint, registry and ledger are compared; changes of the endpoint are looked at when they happen."""
