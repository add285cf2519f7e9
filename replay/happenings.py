"""What comes from outside while a set is replayed, and when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Any


class Deed(StrEnum):
    """Something that happens; ``MEASURE`` is the model's own schedule and only waited for."""

    ASK = "ask"
    DROP = "drop"
    TRUTH = "truth"
    MEASURE = "measure"


_HOUR = {Deed.MEASURE: 6, Deed.TRUTH: 9, Deed.DROP: 9, Deed.ASK: 12}
MEASURING_HOUR = _HOUR[Deed.MEASURE]


@dataclass(frozen=True)
class Happening:
    """One deed on a day of the set's own calendar."""

    day: date
    deed: Deed
    period: str = ""
    """What the rows are of: a month, or a delivery."""
    file: Path | None = None
    mended: Path | None = None
    """What the sender sends when the file was refused."""

    @property
    def moment(self) -> datetime:
        """Measuring comes first on a day, what was dropped after it, and requests at noon."""
        return datetime.combine(self.day, time(_HOUR[self.deed]), UTC)


@dataclass(frozen=True)
class Replayed:
    """One set, and the model that it is played to."""

    model: str
    about: str
    """What is asked, dropped and known when, in a sentence."""
    change: Callable[[dict[str, Any]], None]
    """What the replay's copy of model.yaml says otherwise."""
    changed: tuple[str, ...]
    """The same in words."""
    training: Path
    """What the first version learns from."""
    happenings: tuple[Happening, ...]
    truth: Mapping[int, float]
    """Every label that ever comes, by the row's id."""

    @property
    def starts(self) -> datetime:
        """When the first version's data come: in the middle of the first month, taken as known by then."""
        return self.happenings[0].moment.replace(day=16, hour=8)


def in_order(happenings: list[Happening]) -> tuple[Happening, ...]:
    """By the set's calendar."""
    return tuple(sorted(happenings, key=lambda each: (each.moment, each.deed, each.period)))
