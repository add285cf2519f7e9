"""What is asked of performance and fairness in production: parts of the section ``monitoring``."""

from typing import Literal

from pydantic import Field

from trimtab.spec.base import Section


class QualityRule(Section):
    """When measured performance is bad enough to raise an alarm: beyond the limit, and beyond chance."""

    metric: str = "auc"
    max_drop: float = Field(default=0.05, gt=0)
    """Distance below the value measured at evaluation (above it, for an error), in what drop_in says."""
    drop_in: Literal["metric", "share"] = "metric"
    """What drops and their limits are measured in: the metric itself, or the share of its value at evaluation (0.05: an
    error is 5 % larger). When neither this nor max_drop is given: share for an error in the label's unit (rmse, mae,
    median_absolute_error, quantile_loss)."""
    min_coverage: float = Field(default=0.0, ge=0, le=1)
    """Share of a window's records whose truth must be known before it is judged."""
    max_unusable: float = Field(default=0.05, ge=0, le=1)
    """Share of answers that are no scores (no number, no probability) above which nothing is judged by the others."""


class SliceWatch(Section):
    """When a declared slice has fallen further than the whole."""

    max_drop: float | None = Field(default=None, gt=0)
    """Of the primary metric, below the slice's own value at evaluation and beyond what the whole has lost. When absent,
    quality.max_drop where that is of the same metric; else slices are measured and raise no alarm."""
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """Chance that any slice of a window counts as fallen although none has (Holm's correction)."""
    min_rows: int = Field(default=100, ge=20)
    """Labelled rows of a slice below which it is named and not judged."""


class BiasWatch(Section):
    """How groups of people are compared in production; limits, groups and accepted risks are evaluation.gates.bias."""

    pool_rows: int = Field(default=5000, ge=1)
    """Earlier windows of the same version are added, newest first, until there are so many rows."""
    pool_windows: int = Field(default=31, ge=1, le=100)
    """Most windows that are taken together."""


class EstimateWatch(Section):
    """When an estimate of performance, made without truth, is bad enough to raise an alarm."""

    max_drop: float | None = Field(default=None, gt=0)
    """Distance below the value measured at evaluation; quality.max_drop when absent."""
