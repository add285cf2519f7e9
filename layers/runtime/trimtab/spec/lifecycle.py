"""The sections that say how a model is trained, judged, approved, rolled out, watched and retrained."""

from typing import Literal, Self

from pydantic import Field, model_validator

from trimtab.spec.base import Section

Scalar = str | int | float | bool


class TrainingSpec(Section):
    """How a candidate is made."""

    entry_point: str
    """Script beside model.yaml, run in SageMaker script mode."""
    framework: Literal["scikit-learn-1.9-0"] = "scikit-learn-1.9-0"
    instance_type: str = "ml.m5.xlarge"
    instance_count: int = Field(default=1, ge=1, le=1)
    volume_gb: int = Field(default=10, ge=1)
    max_runtime_minutes: int = Field(default=60, ge=1, le=40_320)
    hyperparameters: dict[str, Scalar] = Field(default_factory=dict)
    seed: int = 0
    window_days: int = Field(default=60, ge=1)
    """Labelled rows this many days back from the newest labelled one are learned from."""
    holdout_share: float = Field(default=0.25, gt=0, lt=1)
    """Share of the window, its last part in time, that only the evaluation sees."""
    min_rows: int = Field(default=500, ge=10)


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
    min_rows: int = Field(default=200, ge=20)
    """Fewer hold-out rows than this and nothing is judged."""
    max_size_mb: float = Field(default=250, gt=0)
    bootstrap_rounds: int = Field(default=300, ge=100, le=10_000)


class ApprovalSpec(Section):
    """Who says yes, and for how long it holds."""

    expiry_days: int = Field(default=30, ge=1)
    four_eyes: bool = False


class RolloutSpec(Section):
    """How production traffic moves to an approved version."""

    strategy: Literal["canary", "linear", "all_at_once", "rolling"] = "canary"
    percent: int = Field(default=20, ge=5, le=50)
    """Size of the canary, of a linear step or of a rolling batch, in per cent of capacity."""
    bake_minutes: int = Field(default=10, ge=0, le=60)
    termination_minutes: int = Field(default=0, ge=0, le=60)
    instance_type: str = "ml.m5.large"
    instance_count: int = Field(default=2, ge=1)
    max_error_share: float = Field(default=0.01, gt=0, lt=1)
    """Share of requests that may be answered with a 5xx by the new fleet."""
    max_latency_ms: float = Field(default=500, gt=0)
    """Largest single-row latency at the 99th percentile in staging."""
    capture_percent: int = Field(default=100, ge=0, le=100)
    staging: Literal["instance", "serverless"] = "instance"
    """What the staging endpoint runs on; it is removed when the promotion ends."""
    min_requests: int = Field(default=50, ge=1)
    """Requests that the new fleet must have answered before the two fleets are compared."""


class QualityRule(Section):
    """When measured performance is bad enough to raise an alarm."""

    metric: str = "auc"
    max_drop: float = Field(default=0.05, gt=0)
    """Distance below the value measured at evaluation."""


class DriftRule(Section):
    """What counts as drift of one column."""

    statistic: Literal[
        "psi", "ks", "jensen_shannon", "wasserstein", "cramers_v", "missing_rate_change", "new_level_share"
    ] = "psi"
    """Wasserstein distance is in interquartile ranges of the training rows."""
    limit: float = Field(gt=0)


class MonitoringSpec(Section):
    """What is measured in production, and how often."""

    schedule: str = Field(default="rate(1 day)", pattern=r"^(rate|cron)\(.+\)$")
    columns: tuple[str, ...] | None = None
    """Columns whose drift counts; all features when absent."""
    psi_limit: float = Field(default=0.25, gt=0)
    drift: dict[str, DriftRule] = Field(default_factory=dict)
    """Rules of single columns, in place of ``psi_limit``."""
    prediction_psi_limit: float = Field(default=0.25, gt=0)
    periods: int = Field(default=1, ge=1, le=7)
    datapoints: int = Field(default=1, ge=1, le=7)
    """An alarm needs this many breaching readings out of ``periods``."""
    min_rows: int = Field(default=200, ge=1)
    quality: QualityRule = QualityRule()
    silence_hours: int = Field(default=48, ge=1, le=168)
    """Without a reading for this long, the dead-man alarm rings."""

    @model_validator(mode="after")
    def _datapoints_fit(self) -> Self:
        if self.datapoints > self.periods:
            raise ValueError(f"datapoints ({self.datapoints}) cannot exceed periods ({self.periods})")
        return self


class RetrainingSpec(Section):
    """When a model is trained again, and what holds it back."""

    triggers: tuple[Literal["first_data", "drift", "quality", "truth"], ...] = ("first_data", "drift", "quality")
    """``truth`` retries while a drift or quality alarm rings and new truth has come."""
    cooldown_hours: int = Field(default=6, ge=0)
    daily_budget: int = Field(default=4, ge=1)
