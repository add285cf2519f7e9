"""What both versions answered to the same records: how far they agree, and where they differ most."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Final, Self

from trimtab.rollout.judge.distributions import rank_correlation

WIDEST: Final = 10
"""Records that are named, those with the widest difference first."""
_LEAST: Final = 3
"""Records below which a correlation means nothing."""


@dataclass(frozen=True)
class Pair:
    """One record."""

    record: str
    new: float
    old: float

    @property
    def difference(self) -> float:
        return self.new - self.old


@dataclass(frozen=True)
class Pairs:
    """All of them, in figures; differences are the new version's score less the old one's, in units of the score."""

    count: int
    same: int
    """Records with exactly the same score."""
    correlation: float | None
    """Of the ranks, -1 to 1; None of too few records."""
    mean_difference: float
    mean_absolute: float
    widest: tuple[Pair, ...]

    @classmethod
    def of(cls, answers: Mapping[str, tuple[float, float]]) -> Self | None:
        """None when no record was answered by both."""
        pairs = [Pair(record, new, old) for record, (new, old) in answers.items()]
        if not pairs:
            return None
        ordered = sorted(pairs, key=lambda pair: (-abs(pair.difference), pair.record))
        return cls(
            count=len(pairs),
            same=sum(pair.new == pair.old for pair in pairs),
            correlation=rank_correlation(list(answers.values())) if len(pairs) >= _LEAST else None,
            mean_difference=fmean(pair.difference for pair in pairs),
            mean_absolute=fmean(abs(pair.difference) for pair in pairs),
            widest=tuple(ordered[:WIDEST]),
        )

    def to_json(self) -> dict[str, Any]:
        """For judgement.json. The ledger does not get it: what it holds cannot be deleted, and records are people's."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Those that ``to_json`` gave."""
        return cls(**{**kept, "widest": tuple(Pair(**pair) for pair in kept["widest"])})
