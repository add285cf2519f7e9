"""The section that says how a candidate is made."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from trimtab.spec.base import Section
from trimtab.spec.prices import AS_OF, price_per_hour
from trimtab.spec.tuning import Scalar, TuningSpec

Framework = Literal["scikit-learn-1.9-0", "xgboost-3.2-0"]


class TrainingSpec(Section):
    """How a candidate is made."""

    entry_point: str
    """Script beside model.yaml, run in SageMaker script mode."""
    framework: Framework = "scikit-learn-1.9-0"
    """AWS's own container that trains, evaluates and serves."""
    image: str | None = Field(default=None, pattern=r"^[\w.-]+(:\d+)?/[\w./-]+(:[\w.-]+|@sha256:[0-9a-f]{64})$")
    """An image of one's own in ECR in place of the framework's; docs/how-to/own-image.md says what it must do."""
    instance_type: str = "ml.m5.xlarge"
    instance_count: int = Field(default=1, ge=1, le=20)
    """More than one: ``fit`` runs on every host, and trimtab.authoring.cluster says how they work together."""
    volume_gb: int = Field(default=10, ge=1)
    max_runtime_minutes: int = Field(default=60, ge=1, le=40_320)
    spot: bool = False
    """Train on spare capacity, which may be taken away; checkpoints bring the job back to where it was."""
    max_wait_minutes: int | None = Field(default=None, ge=1, le=40_320)
    """On spot: time for waiting and training together; twice ``max_runtime_minutes`` when absent."""
    hyperparameters: dict[str, Scalar] = Field(default_factory=dict)
    tuning: TuningSpec | None = None
    """Search these before training; without the section ``hyperparameters`` are used as they are."""
    trusted_types: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")], ...] = ()
    """Types and functions, each by its full name as in ``package.module.Class``, that a model stored by skops may
    hold besides those that are trusted anyway. Loading the model imports them."""
    seed: int = 0
    window_days: int = Field(default=60, ge=1)
    """Labelled rows this many days back from the newest labelled one are learned from."""
    holdout_share: float = Field(default=0.25, gt=0, lt=1)
    """Share of the window, its last part in time, that only the evaluation sees."""
    min_rows: int = Field(default=500, ge=10)

    @property
    def wait_minutes(self) -> int:
        """Time that the training job may take, waiting for spot capacity included."""
        if not self.spot:
            return self.max_runtime_minutes
        return self.max_wait_minutes or min(2 * self.max_runtime_minutes, 40_320)

    @property
    def making_minutes(self) -> int:
        """Time that search and training may take together."""
        return self.wait_minutes + (self.tuning.minutes if self.tuning else 0)

    @property
    def trial_minutes(self) -> int:
        """Time that one trial of the search may take."""
        return (self.tuning and self.tuning.trial_minutes) or self.max_runtime_minutes

    @property
    def trial_price(self) -> float | None:
        """Most that one trial may cost, in USD; None without a known price."""
        known = (self.tuning and self.tuning.price_per_hour_usd) or price_per_hour(self.instance_type)
        return None if known is None else known * self.instance_count * self.trial_minutes / 60

    @property
    def max_trials(self) -> int:
        """Trials that jobs and money allow; a search that runs out of minutes ends with fewer."""
        if self.tuning is None:
            return 0
        jobs = self.tuning.points or 0 if self.tuning.strategy == "grid" else self.tuning.max_jobs
        if self.tuning.money is None or self.trial_price is None:
            return jobs
        return min(jobs, int(self.tuning.money / self.trial_price))

    @model_validator(mode="after")
    def _spot_waits_long_enough(self) -> Self:
        if self.max_wait_minutes is not None and not self.spot:
            raise ValueError("max_wait_minutes is for spot: true")
        if self.wait_minutes < self.max_runtime_minutes:
            raise ValueError(f"max_wait_minutes includes training: at least {self.max_runtime_minutes}")
        return self

    @model_validator(mode="after")
    def _money_pays_for_trials(self) -> Self:
        tuning = self.tuning
        if tuning is None or tuning.money is None:
            return self
        if self.trial_price is None:
            raise ValueError(
                f"no price of {self.instance_type} is known (table of {AS_OF}): give tuning.price_per_hour_usd"
            )
        needed = tuning.points or 1 if tuning.strategy == "grid" else 1
        if self.max_trials < needed:
            raise ValueError(
                f"tuning.money of {tuning.money:g} USD pays for {int(tuning.money / self.trial_price)} trials of "
                f"{self.trial_minutes} minutes ({self.trial_price:.3f} USD each); {needed} are needed"
            )
        return self
