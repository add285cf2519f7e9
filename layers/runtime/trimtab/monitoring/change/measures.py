"""The measures that are followed over time, as the ledger's readings of one version give them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

from trimtab.ledger.kinds import PERFORMANCE_ESTIMATED, QUALITY_MEASURED, WINDOW_MEASURED
from trimtab.monitoring.asked import middle_asked
from trimtab.monitoring.change.series import Reading
from trimtab.ports import Entry
from trimtab.spec.monitoring import MonitoringSpec

KINDS = (WINDOW_MEASURED, QUALITY_MEASURED, PERFORMANCE_ESTIMATED)
COLUMN = "column "
_WIDTH = 2 * NormalDist().inv_cdf(0.975)
"""Of an interval, in standard errors."""
_OF_DATA = "drift by importance"


@dataclass(frozen=True)
class Measure:
    """One measure, bad when large: its readings, oldest first, and the limit that a single reading is held to."""

    name: str
    limit: float
    readings: tuple[Reading, ...]
    shared_error: float = 0.0
    """Standard error of what all readings are compared with: it moves them together, and no number of them tells."""

    @property
    def rings(self) -> bool:
        """Whether it counts for an alarm: what the model does, its performance and its scores.

        What it is given is reported. It moves with every season, and its own readings ring where they matter.
        """
        return self.name != _OF_DATA and not self.name.startswith(COLUMN)


@dataclass(frozen=True)
class _Field:
    """Where entries keep a measure's value and its standard error."""

    name: str
    kind: str
    value: str
    error: str
    interval: str = ""
    """Of what the window alone says, where ``error`` holds what it is compared with too."""
    both: str = ""
    """Where the error of the window and of what it is compared with is, when ``error`` is the window's own."""


_FIELDS = (
    _Field("performance", QUALITY_MEASURED, "drop", "error", both="drop_error"),
    _Field("estimated performance", PERFORMANCE_ESTIMATED, "estimate_drop", "estimate_error", interval="interval"),
    _Field("scores", WINDOW_MEASURED, "prediction_value", "prediction_error"),
    _Field(_OF_DATA, WINDOW_MEASURED, "weighted_psi", "weighted_error"),
)
PERFORMANCE = frozenset(field.name for field in _FIELDS if field.kind != WINDOW_MEASURED)
"""Names of the measures that are held against the evaluation, and not against the baseline."""


def measures_of(entries: Sequence[Entry], version: int, spec: MonitoringSpec) -> list[Measure]:
    """Every measure that the version has judged readings of."""
    mine = [entry for entry in entries if entry.kind in KINDS and _is_judged(entry.data, version)]
    found = [_measure(mine, field, spec) for field in _FIELDS]
    return [measure for measure in (*found, *_columns(mine, spec)) if measure.readings]


def _is_judged(data: Mapping[str, Any], version: int) -> bool:
    return data.get("version") == version and data.get("judged") is not False


def _measure(entries: Sequence[Entry], field: _Field, spec: MonitoringSpec) -> Measure:
    """The newest reading of each window, as more truth may have come; entries without the value have none."""
    mine = [entry for entry in entries if entry.kind == field.kind and entry.data.get(field.value) is not None]
    by_window = {entry.subject: _reading(entry.data, field) for entry in mine}
    shared = _shared_error(mine[-1].data, field) if mine else 0.0
    return Measure(field.name, _limit(field, spec), _newest(by_window.values(), spec), shared)


def _limit(field: _Field, spec: MonitoringSpec) -> float:
    if field.kind == PERFORMANCE_ESTIMATED:
        return spec.estimated_drop
    if field.kind == QUALITY_MEASURED:
        return spec.quality.max_drop
    return spec.prediction_psi_limit if field.name == "scores" else spec.psi_limit


def _reading(data: Mapping[str, Any], field: _Field) -> Reading:
    own = _half_width(data.get(field.interval)) if field.interval else None
    return Reading(
        middle_asked(data), float(data[field.value]), float(data.get(field.error) or 0.0) if own is None else own
    )


def _shared_error(data: Mapping[str, Any], field: _Field) -> float:
    """What the error of both sides has beyond the window's own; 0 where they cannot be told apart."""
    both = data.get(field.both or field.error) if field.both or field.interval else None
    return sqrt(max(0.0, both**2 - _reading(data, field).error ** 2)) if both else 0.0


def _half_width(interval: Any) -> float | None:
    """Standard error of an interval's value."""
    return (interval[1] - interval[0]) / _WIDTH if interval and None not in interval else None


def _columns(entries: Sequence[Entry], spec: MonitoringSpec) -> Iterator[Measure]:
    windows = {entry.subject: entry.data for entry in entries if entry.kind == WINDOW_MEASURED}
    names = sorted({name for data in windows.values() for name in data.get("columns", {})})
    for name in names:
        if name in spec.drift:
            continue  # held to another statistic than PSI
        found = [
            Reading(middle_asked(data), data["columns"][name], float(data.get("errors", {}).get(name) or 0.0))
            for data in windows.values()
            if name in data.get("columns", {})
        ]
        yield Measure(COLUMN + name, spec.psi_limit, _newest(found, spec))


def _newest(readings: Any, spec: MonitoringSpec) -> tuple[Reading, ...]:
    return tuple(sorted(readings, key=lambda reading: reading.at)[-spec.change.history :])
