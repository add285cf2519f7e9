"""The section that has files of records scored by batch transform, beside whatever endpoint serves requests."""

from typing import Self

from pydantic import Field, model_validator

from trimtab.spec.base import Section

LARGEST_MB = 100
"""Megabytes that SageMaker lets all requests of an instance have together."""


class BatchSpec(Section):
    """Files of records (JSON Lines) are scored by the version that serves, each by one transform job or many by one."""

    schedule: str | None = Field(default=None, pattern=r"^(rate|cron)\(.+\)$")
    """When what has come since the last time is scored; without it, each file as it comes."""
    instance_type: str = "ml.m5.large"
    instance_count: int = Field(default=1, ge=1, le=20)
    payload_mb: int = Field(default=6, ge=1, le=LARGEST_MB)
    """Megabytes of records in one request to the model; no record may be larger."""
    concurrency: int = Field(default=4, ge=1, le=LARGEST_MB)
    """Requests that one instance is sent at once."""
    max_runtime_minutes: int = Field(default=120, ge=5, le=2_880)
    """After that the job is stopped and people are told."""
    monitored_rows: int = Field(default=20_000, ge=0, le=50_000)
    """Records of a batch, drawn evenly, that are measured like captured requests; 0 leaves batches unmeasured."""

    @model_validator(mode="after")
    def _fits_into_an_instance(self) -> Self:
        if self.payload_mb * self.concurrency > LARGEST_MB:
            raise ValueError(
                f"payload_mb ({self.payload_mb}) times concurrency ({self.concurrency}) exceeds {LARGEST_MB} MB, which "
                "is SageMaker's limit"
            )
        return self
