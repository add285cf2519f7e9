"""What alarms see of the readings in the ledger.

An alarm of M of N readings rings when the M-th largest of the newest N lies beyond its limit. That value is what is put
as a metric, and the alarm itself needs one data point of it: M of N then counts readings whatever the schedule, where
CloudWatch would count periods of its own. Newest is meant by the time of the requests, so a window that came late
neither rings nor clears what newer traffic says.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from trimtab.ledger.kinds import BASELINE_RECONSIDERED, PERFORMANCE_ESTIMATED, QUALITY_MEASURED, WINDOW_MEASURED
from trimtab.monitoring.asked import last_asked
from trimtab.monitoring.reconsidered import comparable
from trimtab.ports import Entry, Ledger
from trimtab.spec.monitoring import MonitoringSpec
from trimtab.telemetry import Metric

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """A kind of entry, and what one of them says of a measure; None when it says nothing."""

    kind: str
    value: Callable[[Data], float | None]
    needs_judging: bool = True
    """Whether only windows count whose drift or performance could be judged."""

    def says(self, entry: Entry, version: int | None) -> float | None:
        """The reading of a window of ``version``."""
        data = entry.data
        counts = data.get("version") == version and (data.get("judged", True) or not self.needs_judging)
        return self.value(data) if counts else None


def _field(name: str) -> Callable[[Data], float | None]:
    return lambda data: data.get(name)


def _broken(data: Data) -> float:
    """How many columns are broken."""
    return len({name for found in data.get("schema_breaks", ()) for name in found["columns"]})


READINGS: Final[Mapping[Metric, tuple[Source, ...]]] = {
    Metric.PSI_MAX: (Source(WINDOW_MEASURED, _field("max_psi")),),
    Metric.PSI_WEIGHTED: (Source(WINDOW_MEASURED, _field("weighted_reading")),),
    Metric.PSI_PREDICTION: (Source(WINDOW_MEASURED, _field("prediction_psi")),),
    Metric.SCHEMA_BREAKS: (Source(WINDOW_MEASURED, _broken),),
    Metric.QUALITY_DROP: (Source(QUALITY_MEASURED, _field("reading")),),
    Metric.SLICE_DROP: (Source(QUALITY_MEASURED, _field("slice_drop")),),
    Metric.QUALITY_ESTIMATE_DROP: (Source(PERFORMANCE_ESTIMATED, _field("estimate_reading")),),
    Metric.BIAS_EXCESS: (
        Source(PERFORMANCE_ESTIMATED, _field("bias_excess")),
        Source(QUALITY_MEASURED, _field("bias_excess_truth"), needs_judging=False),
    ),
}
"""Where the readings of each metric that counts them stand in the ledger. Of several sources the worst counts."""


@dataclass(frozen=True)
class Series:
    """What one version's judged windows say of one measure, oldest first by the time of their requests."""

    values: tuple[float, ...]
    recorded: tuple[datetime, ...]
    """When each was recorded last."""

    @classmethod
    def of(cls, entries: Iterable[Entry], source: Source, version: int | None) -> "Series":
        """A window that was measured again says what it said last; drift from before a word on the version's baseline,
        which ``entries`` hold too, says nothing."""
        known = list(entries)
        newest = {each.subject: each for each in comparable(known, known, version) if each.kind == source.kind}
        mine = sorted(newest.values(), key=lambda entry: (last_asked(entry.data), entry.seq))
        said = [(value, entry.at) for entry in mine if (value := source.says(entry, version)) is not None]
        return cls(tuple(float(value) for value, _ in said), tuple(at for _, at in said))

    def is_new(self, at: datetime, count: int) -> bool:
        """Whether any of the newest ``count`` was recorded by the run of ``at``."""
        return any(_moment(each) == _moment(at) for each in self.recorded[-count:])


def held(values: Sequence[float], watch: MonitoringSpec) -> float:
    """The largest value that M of the newest N values (oldest first) reach, by the spec's ``datapoints`` and
    ``periods``; 0, which rings nothing, while there are fewer than M."""
    newest = sorted(values[-watch.periods :], reverse=True)
    return newest[watch.datapoints - 1] if len(newest) >= watch.datapoints else 0.0


def seen(ledger: Ledger, version: int | None, watch: MonitoringSpec, at: datetime) -> dict[Metric, float]:
    """What the alarms of ``version`` are to see after the run of ``at``: of each measure it has recorded a reading of,
    among the newest N."""
    words = ledger.entries(BASELINE_RECONSIDERED)
    entries = {
        kind: [*words, *ledger.entries(kind)] for kind in (WINDOW_MEASURED, QUALITY_MEASURED, PERFORMANCE_ESTIMATED)
    }
    found = {}
    for metric, sources in READINGS.items():
        series = [Series.of(entries[source.kind], source, version) for source in sources]
        if any(each.is_new(at, watch.periods) for each in series):
            found[metric] = max(held(each.values, watch) for each in series if each.values)
    return found


def newest_of(entries: Iterable[Entry], version: int | None) -> Entry | None:
    """The newest judged window of ``version`` by the time of its requests, as it was measured last."""
    last = {entry.subject: entry for entry in entries}
    mine = [each for each in last.values() if each.data["judged"] and each.data["version"] == version]
    return max(mine, key=lambda entry: (last_asked(entry.data), entry.seq), default=None)


def is_of(entry: Entry | None, at: datetime) -> bool:
    """Whether the run of ``at`` has recorded it."""
    return entry is not None and _moment(entry.at) == _moment(at)


def _moment(at: datetime) -> str:
    """As exact as the ledger keeps it."""
    return at.isoformat(timespec="milliseconds")
