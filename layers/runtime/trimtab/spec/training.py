"""The section that says how a candidate is made."""

from typing import Literal

from pydantic import Field

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
