"""The section that says how a candidate is judged."""

from typing import Literal, Self

from pydantic import Field, model_validator

from trimtab.spec.base import Section
from trimtab.spec.gates import GatesSpec


class MetricRule(Section):
    """A limit that a candidate's metric must keep, with its whole confidence interval's point estimate."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self


class ChampionRule(Section):
    """What it takes to replace the champion."""

    rule: Literal["superior", "non_inferior"] = "superior"
    margin: float = Field(default=0.0, ge=0)
    """Superior: the paired difference must exceed this. Non-inferior: it may fall short by at most this."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)


class EvaluationSpec(Section):
    """How a candidate is judged."""

    primary: str = "auc"
    metrics: dict[str, MetricRule] = Field(default_factory=dict)
    baseline: Literal["prevalence", "logistic"] = "logistic"
    champion: ChampionRule = ChampionRule()
    slices: tuple[str, ...] = ()
    gates: GatesSpec = GatesSpec()
    min_rows: int = Field(default=200, ge=20)
    """Fewer hold-out rows than this and nothing is judged."""
    max_size_mb: float = Field(default=250, gt=0)
    bootstrap_rounds: int = Field(default=300, ge=100, le=10_000)
