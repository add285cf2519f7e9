"""What the ledger tells of a rollout so far: the memory of functions that have none of their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from trimtab.ledger.kinds import ROLLOUT_ENTERED, ROLLOUT_GOING_BACK, ROLLOUT_JUDGED, ROLLOUT_RELEASED, ROLLOUT_SHIFTED
from trimtab.ports import Entry, Ledger

BEFORE = 0
"""Number of the step before the first: both versions run, or soon will, and the new one has no traffic yet."""


@dataclass(frozen=True)
class Course:
    """The entries of one rollout, in order."""

    entries: tuple[Entry, ...]

    @classmethod
    def read(cls, ledger: Ledger, subject: str) -> Self:
        """As the ledger has it now."""
        return cls(tuple(ledger.entries("rollout.", subject)))

    def of(self, kind: str) -> tuple[Entry, ...]:
        """Entries of exactly ``kind``."""
        return tuple(entry for entry in self.entries if entry.kind == kind)

    def last(self, kind: str, **data: Any) -> Entry | None:
        """The newest entry of ``kind`` whose data hold ``data``."""
        return _last(self.of(kind), data)

    @property
    def step(self) -> int:
        """Number of the newest step that traffic was shifted to, from 1 on; 0 before the first."""
        shifted = self.last(ROLLOUT_SHIFTED)
        return int(shifted.data["step"]) if shifted else BEFORE

    @property
    def shifted_at(self) -> datetime | None:
        """Since when traffic is as it is."""
        shifted = self.last(ROLLOUT_SHIFTED)
        return shifted.at if shifted else None

    def entered(self, config: str) -> int:
        """How often the endpoint was told to move to ``config``."""
        return sum(entry.data["config"] == config for entry in self.of(ROLLOUT_ENTERED))

    def seen_at(self, config: str) -> datetime | None:
        """When ``config`` was first seen to serve."""
        seen = next((entry for entry in self.of(ROLLOUT_SHIFTED) if entry.data.get("config") == config), None)
        return seen.at if seen else None

    def is_released(self, step: int) -> bool:
        return self.last(ROLLOUT_RELEASED, step=step) is not None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the rollout goes back; empty while it does not."""
        found = self.last(ROLLOUT_GOING_BACK)
        return tuple(found.data["reasons"]) if found else ()

    @property
    def going_back_since(self) -> datetime | None:
        """When that was decided; None while it does not go back."""
        found = self.last(ROLLOUT_GOING_BACK)
        return found.at if found else None

    @property
    def verdict(self) -> Mapping[str, Any] | None:
        """The newest judgement that was written down."""
        judged = self.last(ROLLOUT_JUDGED)
        found: Mapping[str, Any] | None = judged.data["judgement"] if judged else None
        return found


def _last(entries: Iterable[Entry], data: Mapping[str, Any]) -> Entry | None:
    matching = [entry for entry in entries if all(entry.data.get(key) == value for key, value in data.items())]
    return matching[-1] if matching else None
