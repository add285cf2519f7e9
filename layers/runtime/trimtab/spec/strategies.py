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
    then: Literal["canary", "linear", "all_at_once", "rolling", "stepped", "nothing"] = "canary"
    """How traffic moves afterwards; ``nothing`` ends with the report."""


class ChecksSpec(Section):
    """What is asked before traffic moves and after it has moved. A no, or no answer, stops the rollout."""

    before: tuple[str, ...] = Field(default=(), max_length=5)
    """Names of Lambda functions that get {model, version, phase} and answer {passed, reason} within 20 seconds."""
    after: tuple[str, ...] = Field(default=(), max_length=5)
    golden: bool = True
    """Production itself must give the evaluation's scores to the golden records once it serves the new version."""
