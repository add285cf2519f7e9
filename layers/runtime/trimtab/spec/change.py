"""The section that says which changes over time are looked for, before one window breaks its limit."""

from pydantic import Field

from trimtab.spec.base import Section


class ChangeSpec(Section):
    """When a run of readings counts as a change although none of them need be beyond its limit."""

    tolerance: float = Field(default=0.5, gt=0, lt=1)
    """Share of a measure's limit beyond which readings may not stay, however little each is beyond it."""
    average_run: int = Field(default=500, ge=20)
    """Readings until a false detection, on average and at least, while a measure stays within the tolerance."""
    horizon_days: int = Field(default=28, ge=1, le=366)
    """How far ahead a trend is drawn. A limit that it crosses within this time rings the forecast's alarm."""
    confidence: float = Field(default=0.95, ge=0.5, lt=1)
    """Of the trend's interval, over all measures together."""
    history: int = Field(default=90, ge=10, le=1000)
    """Newest readings of the serving version that are looked at."""
