"""One look at how the serving version's measures have moved, and where they are heading."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import NormalDist
from typing import Any

from trimtab.monitoring.change.detector import Change, detect
from trimtab.monitoring.change.measures import Measure
from trimtab.monitoring.change.series import bounded
from trimtab.monitoring.change.spread import with_known_errors, with_spread
from trimtab.monitoring.change.trend import Forecast, forecast
from trimtab.spec.change import ChangeSpec

LEAST = 6
"""Readings below which no change is looked for: so few do not say how much days differ."""
_SURE = NormalDist().inv_cdf(0.9)
"""Of what the readings are compared with, in its standard errors."""


@dataclass(frozen=True)
class Look:
    """What the readings of one measure say."""

    measure: Measure
    change: Change | None
    """None while the readings are few, or none has a standard error to weigh it by."""
    forecast: Forecast

    @property
    def evidence(self) -> float:
        """Evidence for a change over what detects one."""
        return self.change.evidence / self.change.limit if self.change else 0.0

    def days_to_limit(self, at: datetime) -> float | None:
        """Days to the expected crossing; 0 when it is past, None when none is foretold."""
        if self.forecast.outcome == "crossed":
            return 0.0
        when = self.forecast.expected
        return max(0.0, (when - at) / timedelta(days=1)) if self.forecast.is_warning and when else None

    def to_json(self) -> dict[str, Any]:
        """The look as JSON values."""
        return {
            "measure": self.measure.name,
            "limit": self.measure.limit,
            "readings": len(self.measure.readings),
            "rings": self.measure.rings,
            "detected": bool(self.change and self.change.detected),
            "evidence": self.evidence,
            "noticed": _text(self.change.noticed if self.change else None),
            "since": _text(self.change.since if self.change else None),
            "change": self.change.message if self.change else _why_none(self.measure),
            "outcome": self.forecast.outcome,
            "forecast": self.forecast.message,
            "slope_per_day": self.forecast.slope_per_day,
            "slope_interval": self.forecast.slope_interval,
            "expected": _text(self.forecast.expected),
            "earliest": _text(self.forecast.earliest),
            "latest": _text(self.forecast.latest),
        }


def look_at(measures: Sequence[Measure], at: datetime, spec: ChangeSpec) -> list[Look]:
    """A look at each measure.

    The chance of a false trend (one less the spec's confidence) and of a false detection are shared among the measures
    that ring, and among the others.
    """
    found = []
    for given in measures:
        measure = replace(given, readings=bounded(given.readings, given.limit))
        peers = sum(other.rings == measure.rings for other in measures)
        found.append(Look(measure, _change(measure, peers, spec), _forecast(measure, peers, at, spec)))
    return found


def _change(measure: Measure, peers: int, spec: ChangeSpec) -> Change | None:
    readings = with_known_errors(measure.readings)
    if len(readings) < LEAST:
        return None
    tolerance = spec.tolerance * measure.limit + _SURE * measure.shared_error
    return detect(with_spread(readings), tolerance, average_run=float(spec.average_run * peers))


def _why_none(measure: Measure) -> str:
    if len(measure.readings) < LEAST:
        return f"{len(measure.readings)} readings, a change needs {LEAST}"
    return "no standard errors to weigh the readings by"


def _forecast(measure: Measure, peers: int, at: datetime, spec: ChangeSpec) -> Forecast:
    horizon, confidence = timedelta(days=spec.horizon_days), 1 - (1 - spec.confidence) / peers
    return forecast(measure.readings, measure.limit, at, horizon=horizon, confidence=confidence)


def worst_evidence(looks: Sequence[Look]) -> float:
    """Largest evidence over its limit among the measures that ring."""
    return max((look.evidence for look in looks if look.measure.rings), default=0.0)


def nearest_crossing(looks: Sequence[Look], at: datetime) -> float | None:
    """Days to the first crossing that a measure that rings foretells; None when none does."""
    days = [look.days_to_limit(at) for look in looks if look.measure.rings]
    return min((each for each in days if each is not None), default=None)


def in_words(looks: Sequence[Look]) -> str:
    """What was found, for people; a measure that is followed and says nothing is not mentioned."""
    said = [f"{look.measure.name}: {look.change.message}" for look in looks if look.change and look.change.detected]
    said += [f"{look.measure.name}: {look.forecast.message}" for look in looks if look.forecast.is_warning]
    return "; ".join(said) or f"no change and no trend in {len(looks)} measures"


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
