"""The section that says how hard a version is tried in staging before it may see traffic."""

from typing import Self

from pydantic import Field, model_validator

from trimtab.spec.base import Section

LONGEST_S = 660
"""Seconds that load, clients and soak may take together: the function that asks has fifteen minutes for everything."""
GRACE_READINGS = 3
"""Minutes beyond the soak for which its last readings are awaited."""


class LoadSpec(Section):
    """The load at which latency is measured; requests leave at their time, whether or not earlier ones are answered."""

    requests_per_second: float = Field(default=20, gt=0, le=200)
    seconds: int = Field(default=5, ge=1, le=300)


class StagingSpec(Section):
    """How hard a version is tried before production sees it. Golden records and bad requests are always sent."""

    keep: bool = False
    """The staging endpoint stays after the promotion, until the next one replaces it."""
    load: LoadSpec = LoadSpec()
    clients: int = Field(default=4, ge=1, le=16)
    """Clients that ask at once, to see that every answer belongs to its request."""
    max_cold_start_s: float = Field(default=60, gt=0)
    """Longest time of the first answer after the endpoint was made."""
    soak_minutes: int = Field(default=4, ge=0, le=8)
    """Minutes of light load over which memory is watched; 0 leaves it out."""
    max_memory_growth: float = Field(default=5, gt=0)
    """Largest rise of memory over the soak, in points of the per cent that are in use."""
    max_memory_percent: float = Field(default=90, gt=0, le=100)
    serverless_memory_mb: int = Field(default=3072, ge=1024, le=6144, multiple_of=1024)
    """Memory of a serverless staging endpoint."""
    serverless_concurrency: int = Field(default=8, ge=1, le=200)
    """Requests that a serverless staging endpoint takes at once."""

    @model_validator(mode="after")
    def _fits_into_one_function(self) -> Self:
        minutes = self.soak_minutes + GRACE_READINGS if self.soak_minutes else 0
        if self.load.seconds + minutes * 60 > LONGEST_S:
            raise ValueError(
                f"load ({self.load.seconds} s) and soak ({self.soak_minutes} minutes, and {GRACE_READINGS} to wait for "
                f"its readings) exceed {LONGEST_S} s: staging is tested by one function"
            )
        return self
