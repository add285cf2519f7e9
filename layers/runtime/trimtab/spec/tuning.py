"""The section that says how hyperparameters are searched, and how much the search may cost."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from trimtab.spec.base import Section

Scalar = str | int | float | bool
ParameterName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class Range(Section):
    """Numbers from ``min`` to ``max``; whole ones when both are whole."""

    min: int | float
    max: int | float
    scale: Literal["auto", "linear", "log", "reverse_log"] = "auto"

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are tried."""
        return isinstance(self.min, int) and isinstance(self.max, int)

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.min >= self.max:
            raise ValueError(f"min ({self.min}) must be below max ({self.max})")
        if self.scale == "log" and self.min <= 0:
            raise ValueError(f"a logarithmic scale begins above 0, not at {self.min}")
        if self.scale == "reverse_log" and not (self.min >= 0 and self.max < 1 and not self.is_whole):
            raise ValueError("a reverse logarithmic scale is for fractions from 0 to below 1")
        return self


Choices = Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=30)]


class TuningSpec(Section):
    """A search for hyperparameters: where, towards what, and until when.

    The objective is measured on the last part of the training rows in time, never on the hold-out.
    """

    strategy: Literal["bayesian", "random", "grid", "hyperband"] = "bayesian"
    objective: str | None = None
    """Metric that the search improves; ``evaluation.primary`` when absent."""
    ranges: dict[ParameterName, Range | Choices] = Field(min_length=1, max_length=30)
    """For each hyperparameter a range of numbers or a list of choices."""
    validation_share: float = Field(default=0.2, gt=0, le=0.5)
    """Share of the training rows, their last part in time, on which every trial is measured."""
    max_jobs: int = Field(default=20, ge=1, le=750)
    parallel: int = Field(default=2, ge=1, le=100)
    minutes: int = Field(default=120, ge=2, le=40_320)
    """Time that the whole search may take; SageMaker counts from two minutes on."""
    trial_minutes: int | None = Field(default=None, ge=1)
    """Time that one trial may take; ``training.max_runtime_minutes`` when absent."""
    money: float | None = Field(default=None, gt=0)
    """Most that the search may cost in USD, were every trial to run for its whole time at the list price."""
    price_per_hour_usd: float | None = Field(default=None, gt=0)
    """Your price of one instance, in place of the dated list price of us-east-1."""
    early_stopping: bool = True
    """Trials that promise too little are stopped (by SageMaker's median rule; Hyperband has a rule of its own)."""
    min_resource: int = Field(default=1, ge=1)
    """Hyperband: readings of the objective that every trial may give."""
    max_resource: int = Field(default=27, ge=2)
    """Hyperband: readings of the objective that the best trials give."""
    warm_start: Literal["last", "never"] = "last"
    """``last``: begin with what the last search over the same ranges has learnt."""
    max_failed_share: float = Field(default=0.5, ge=0, lt=1)
    """Share of trials that may fail before the search counts as failed."""

    @property
    def points(self) -> int | None:
        """Number of combinations when every range is a list of choices, else None."""
        sizes = [len(each) for each in self.ranges.values() if not isinstance(each, Range)]
        return math.prod(sizes) if len(sizes) == len(self.ranges) else None

    @model_validator(mode="after")
    def _fits_its_strategy(self) -> Self:
        if self.strategy == "grid" and self.points is None:
            raise ValueError("a grid search needs a list of choices for every hyperparameter: SageMaker has no steps")
        if self.strategy == "grid" and (self.points or 0) > self.max_jobs:
            raise ValueError(f"the grid has {self.points} points, more than max_jobs ({self.max_jobs})")
        if self.min_resource >= self.max_resource:
            raise ValueError(f"min_resource ({self.min_resource}) must be below max_resource ({self.max_resource})")
        return self
