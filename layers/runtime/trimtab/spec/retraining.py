"""The section that says when a model is trained again."""

from typing import Literal

from pydantic import Field

from trimtab.spec.base import Section


class RetrainingSpec(Section):
    """When a model is trained again, and what holds it back."""

    triggers: tuple[Literal["first_data", "drift", "quality", "truth"], ...] = ("first_data", "drift", "quality")
    """``truth`` retries while a drift or quality alarm rings and new truth has come."""
    cooldown_hours: int = Field(default=6, ge=0)
    daily_budget: int = Field(default=4, ge=1)
