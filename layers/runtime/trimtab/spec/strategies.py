"""The parts of a rollout that are Trimtab's own: steps by weight, the shadow before them, checks, gates."""

from typing import Literal

from pydantic import Field

from trimtab.spec.base import Section


class StepSpec(Section):
    """The new version answers this share of the requests, until it has been watched for long enough."""

    percent: int = Field(ge=1, le=100)
    bake_minutes: int | None = Field(default=None, ge=0, le=1440)
    """``rollout.bake_minutes`` when absent."""
    gate: Literal["manual"] | None = None
    """Traffic goes on from here only when a person has released it, however good the verdict is."""


class ShadowSpec(Section):
    """Before traffic moves, or in place of it, the new version gets copies of requests, and nobody its answers."""

    percent: int = Field(default=100, ge=1, le=100)
    """Requests that are copied."""
    minutes: int = Field(default=60, ge=1, le=1440)
    min_pairs: int = Field(default=50, ge=1)
    """Requests that both versions must have answered before anything is said."""
    max_changed_share: float = Field(default=1.0, ge=0, le=1)
    """Share of these requests whose two answers may differ by more than ``tolerance``."""
    tolerance: float = Field(default=0.1, ge=0)
    """In units of the score."""
    then: Literal["canary", "linear", "all_at_once", "rolling", "stepped", "nothing"] = "canary"
    """How traffic moves afterwards; ``nothing`` ends with the report."""


class ChecksSpec(Section):
    """What is asked before traffic moves and after it has moved. A no, or no answer, stops the rollout."""

    before: tuple[str, ...] = Field(default=(), max_length=5)
    """Names of Lambda functions that get {model, version, phase} and answer {passed, reason} within 20 seconds."""
    after: tuple[str, ...] = Field(default=(), max_length=5)
    golden: bool = True
    """Production itself must give the evaluation's scores to the golden records once it serves the new version."""
