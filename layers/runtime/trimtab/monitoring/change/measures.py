"""The measures that are followed over time, as the ledger's readings of one version give them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trimtab.monitoring.change.series import Reading
from trimtab.ports import Entry
from trimtab.spec.monitoring import MonitoringSpec

WINDOW, QUALITY, ESTIMATED = "window.measured", "quality.measured", "performance.estimated"
KINDS = (WINDOW, QUALITY, ESTIMATED)
COLUMN = "column "
_OF_DATA = "drift by importance"


@dataclass(frozen=True)
class Measure:
    """One measure, bad when large: its readings, oldest first, and the limit that a single reading is held to."""

    name: str
    limit: float
    readings: tuple[Reading, ...]

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


_FIELDS = (
    _Field("performance", QUALITY, "drop", "error"),
    _Field("estimated performance", ESTIMATED, "estimate_drop", "estimate_error"),
    _Field("scores", WINDOW, "prediction_value", "prediction_error"),
    _Field(_OF_DATA, WINDOW, "weighted_psi", "weighted_error"),
)


def measures_of(entries: Sequence[Entry], version: int, spec: MonitoringSpec) -> list[Measure]:
    """Every measure that the version has readings of."""
    mine = [entry for entry in entries if entry.kind in KINDS and entry.data.get("version") == version]
    found = [Measure(field.name, _limit(field, spec), _readings(mine, field, spec)) for field in _FIELDS]
    return [measure for measure in (*found, *_columns(mine, spec)) if measure.readings]


def _limit(field: _Field, spec: MonitoringSpec) -> float:
    if field.kind in (QUALITY, ESTIMATED):
        return spec.quality.max_drop
    return spec.prediction_psi_limit if field.name == "scores" else spec.psi_limit


def _readings(entries: Sequence[Entry], field: _Field, spec: MonitoringSpec) -> tuple[Reading, ...]:
    """The newest reading of each window, as more truth may have come; entries without the value have none."""
    by_window: dict[str, Reading] = {}
    for entry in entries:
        value = entry.data.get(field.value)
        if entry.kind == field.kind and value is not None:
            at = middle(entry.data)
            by_window[entry.subject] = Reading(at, float(value), float(entry.data.get(field.error) or 0.0))
    return _newest(by_window.values(), spec)


def _columns(entries: Sequence[Entry], spec: MonitoringSpec) -> Iterator[Measure]:
    windows = {entry.subject: entry.data for entry in entries if entry.kind == WINDOW}
    names = sorted({name for data in windows.values() for name in data.get("columns", {})})
    for name in names:
        if name in spec.drift:
            continue  # held to another statistic than PSI
        found = [
            Reading(middle(data), data["columns"][name], float(data.get("errors", {}).get(name) or 0.0))
            for data in windows.values()
            if name in data.get("columns", {})
        ]
        yield Measure(COLUMN + name, spec.psi_limit, _newest(found, spec))


def _newest(readings: Any, spec: MonitoringSpec) -> tuple[Reading, ...]:
    return tuple(sorted(readings, key=lambda reading: reading.at)[-spec.change.history :])


def middle(data: Mapping[str, Any]) -> datetime:
    """Middle of a reading's period by event time; of its window by the time of the requests where it names none."""
    span = data.get("period") or data.get("window")
    if not isinstance(span, Mapping) or not span.get("start"):
        raise ValueError(f"a reading names no period: {data}")
    start, end = (_moment(span[name]) for name in ("start", "end"))
    return start + (end - start) / 2


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
