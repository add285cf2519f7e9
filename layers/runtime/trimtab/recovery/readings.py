"""What the alarm of each kind looks at, as the ledger has it: the reading, and the limit that it is held against."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trimtab.ports import Entry
from trimtab.spec.monitoring import MonitoringSpec
from trimtab.spec.retraining import AlarmKind

WINDOW, QUALITY, ESTIMATED, CHANGE = "window.measured", "quality.measured", "performance.estimated", "change.measured"
Report = Mapping[str, Any]


@dataclass(frozen=True)
class Watched:
    """How a kind is read. ``value`` answers None where nothing was judged, which no alarm sees either."""

    entries: tuple[str, ...]
    """Kinds of the ledger's entries that hold it."""
    value: Callable[[Report, MonitoringSpec], float | None]
    limit: Callable[[MonitoringSpec], float]
    beyond: Callable[[float, float], bool] = lambda value, limit: value > limit


def _drift(report: Report, watch: MonitoringSpec) -> float | None:
    return _number(report, "weighted_reading" if watch.drift_by == "importance" else "max_psi")


def _broken(report: Report, watch: MonitoringSpec) -> float | None:
    found = report.get("schema_breaks")
    return None if found is None else float(len({name for each in found for name in each["columns"]}))


def _fallen(report: Report, watch: MonitoringSpec) -> float | None:
    return _number(report, "reading" if "reading" in report else "drop")


def _unfair(report: Report, watch: MonitoringSpec) -> float | None:
    """How many differences between groups are proven and accepted by nobody; None where no group could be judged."""
    found = [each for each in report.get("bias") or () if not each.get("accepted")]
    judged = found or any(report.get(name) is not None for name in ("bias_excess", "bias_ratio"))
    return float(len(found)) if judged else None


def _evidence(report: Report, watch: MonitoringSpec) -> float | None:
    return max((float(look["evidence"]) for look in report["looks"] if look.get("rings", True)), default=0.0)


def _days(report: Report, watch: MonitoringSpec) -> float | None:
    days = report.get("days_to_limit")
    return float(watch.change.horizon_days) if days is None else float(days)


def _number(report: Report, name: str) -> float | None:
    found = report.get(name)
    return None if found is None else float(found)


def _named(name: str) -> Callable[[Report, MonitoringSpec], float | None]:
    return lambda report, watch: _number(report, name)


READINGS: Final[Mapping[AlarmKind, Watched]] = {
    "drift": Watched((WINDOW,), _drift, lambda watch: watch.psi_limit),
    "prediction": Watched((WINDOW,), _named("prediction_psi"), lambda watch: watch.prediction_psi_limit),
    "schema": Watched((WINDOW,), _broken, lambda watch: 0.0),
    "quality": Watched((QUALITY,), _fallen, lambda watch: watch.quality.max_drop),
    "slice": Watched((QUALITY,), _named("slice_drop"), lambda watch: watch.slices.max_drop or watch.quality.max_drop),
    "estimate": Watched(
        (ESTIMATED,), _named("estimate_reading"), lambda watch: watch.estimate.max_drop or watch.quality.max_drop
    ),
    # With truth, more limits can be judged than without.
    "bias": Watched((ESTIMATED, QUALITY), _unfair, lambda watch: 0.0),
    "change": Watched((CHANGE,), _evidence, lambda watch: 1.0, lambda value, limit: value >= limit),
    "forecast": Watched(
        (CHANGE,), _days, lambda watch: float(watch.change.horizon_days), lambda value, limit: value < limit
    ),
}
"""As stacks/constructs/measuring_alarms.py makes the alarms: a test holds the limits to each other."""


def newest(kind: AlarmKind, entries: Sequence[Entry], version: int, watch: MonitoringSpec) -> float | None:
    """What the alarm of the kind saw last of the version; None when nothing of it was judged.

    That is the newest window by event time: an older one to which more truth has come, or that came late, is put
    as no metric, although its entry is the newest.
    """
    reader = READINGS[kind]
    mine = (entry for entry in entries if entry.kind in reader.entries and entry.data.get("version") == version)
    judged = [
        (_end(entry.data), entry.seq, value)
        for entry in mine
        if entry.data.get("judged", True) and (value := reader.value(entry.data, watch)) is not None
    ]
    return max(judged)[2] if judged else None


def breaches(kind: AlarmKind, value: float | None, watch: MonitoringSpec) -> bool:
    """Whether a reading lies beyond what its alarm allows; one that was not judged does not."""
    reader = READINGS[kind]
    return value is not None and reader.beyond(value, reader.limit(watch))


def _end(report: Report) -> str:
    """Last event time, ISO 8601 in UTC, which sorts as text."""
    return str((report.get("period") or {}).get("end") or "")
