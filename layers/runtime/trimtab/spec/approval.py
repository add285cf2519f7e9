"""Who says yes to a version, and for how long it holds."""

from pydantic import Field

from trimtab.spec.base import Section


class ApprovalSpec(Section):
    """Who says yes, and for how long it holds."""

    expiry_days: int = Field(default=30, ge=1)
    four_eyes: bool = False
