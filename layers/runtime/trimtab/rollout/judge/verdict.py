"""What a look at both fleets came to, with the figures it rests on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, Self

from trimtab.rollout.judge.pairs import Pairs

Outcome = Literal["pass", "fail", "inconclusive"]
Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class Check:
    """One rule's finding. Figures are None where too little was seen to compute them."""

    rule: str
    outcome: Literal["pass", "fail", "inconclusive", "error"]
    """``error``: its source could not be read."""
    message: str
    compare: str = "old"
    """What the new fleet was compared with: old, before, limit, profile."""
    direction: Literal["higher", "lower", "both"] = "higher"
    """Which deviation is for the worse."""
    value: float | None = None
    """In ``unit``; what the limit is set against."""
    interval: tuple[float, float] | None = None
    """95 per cent interval of the value at this look alone; it is not corrected for looks, the verdict is."""
    limit: float | None = None
    unit: str = ""
    n_new: int = 0
    n_old: int = 0
    e_value: float | None = None
    """Evidence against "no worse"; at 1 / alpha it suffices, however often it is looked at."""
    p_value: float | None = None
    """Where the test is one of a few looks at fixed sizes: already multiplied by their number."""
    alpha: float = 0.0
    """The rule's share of the judge's alpha."""
    required: bool = True
    dry_run: bool = False

    def to_json(self) -> dict[str, Any]:
        """As ledger and judgement.json keep it; an e-value beyond 1e12 is cut off there."""
        kept = asdict(self)
        kept["e_value"] = None if self.e_value is None else min(self.e_value, 1e12)
        kept["interval"] = list(self.interval) if self.interval else None
        return kept

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """The check that ``to_json`` gave."""
        interval = kept.get("interval")
        return cls(**{**kept, "interval": (interval[0], interval[1]) if interval else None})


@dataclass(frozen=True)
class Judgement:
    """All rules together: a failed rule fails, a required one without evidence makes it inconclusive."""

    outcome: Outcome
    message: str
    checks: tuple[Check, ...]
    window: Window | None
    """First and last moment of the minutes judged; None before the first."""
    look: int = 1
    """How many looks at this rollout there were, this one included."""
    unread: Mapping[str, int] | None = None
    """Looks in a row, this one included, at which a source of evidence could not be read."""
    pairs: Pairs | None = None
    """What both versions answered to the same records; only judgement.json keeps it."""

    @property
    def verdict(self) -> str:
        """The message after what it means: a fleet that is worse is told apart from one that nobody could look at."""
        failed = [check for check in self.checks if check.outcome == "fail" and not check.dry_run]
        if any(check.value is not None for check in failed):
            return f"the new fleet is worse: {self.message}"
        return f"the new fleet cannot be judged: {self.message}" if failed else self.message

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {
            "outcome": self.outcome,
            "message": self.message,
            "look": self.look,
            "window": [moment.isoformat() for moment in self.window] if self.window else None,
            "unread": dict(self.unread or {}),
            "checks": [check.to_json() for check in self.checks],
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """The judgement that ``to_json`` or judgement.json holds."""
        window = kept["window"]
        return cls(
            outcome=kept["outcome"],
            message=kept["message"],
            checks=tuple(Check.from_json(check) for check in kept["checks"]),
            window=(datetime.fromisoformat(window[0]), datetime.fromisoformat(window[1])) if window else None,
            look=int(kept["look"]),
            unread=dict(kept["unread"]),
            pairs=Pairs.from_json(kept["pairs"]) if kept.get("pairs") else None,
        )

    def check(self, rule: str) -> Check | None:
        """The finding of one rule; None when it was not judged."""
        return next((check for check in self.checks if check.rule == rule), None)
