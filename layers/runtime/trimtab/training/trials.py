"""The jobs of a search for hyperparameters, and what is asked of whoever ran it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Trial:
    """One training job of a search."""

    name: str
    hyperparameters: Mapping[str, str]
    """The searched ones, as the texts that the job was given."""
    status: str
    value: float | None
    """What it measured; None when it failed or said nothing."""
    seconds: float | None = None
    failure: str = ""


class Searches(Protocol):
    """Searches for hyperparameters that have run."""

    def trials(self, search: str) -> list[Trial]:
        """In the order in which they were begun."""
        ...
