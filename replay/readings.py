"""Which alarms should ring by the readings in the ledger: what is waited for before the next day begins."""

from collections.abc import Mapping, Sequence

from trimtab.ledger.kinds import WINDOW_MEASURED
from trimtab.monitoring.alarm_readings import READINGS, Series, held
from trimtab.ports import Entry
from trimtab.spec import Spec
from trimtab.spec.limits import limit_of
from trimtab.spec.retraining import AlarmKind
from trimtab.telemetry import metric_of

JUDGED: tuple[AlarmKind, ...] = ("drift", "prediction", "quality")
"""Kinds of alarm that a replay waits for."""


def expected(entries: Sequence[Entry], seen: int, version: int, spec: Spec) -> Mapping[str, bool]:
    """Whether an alarm should ring, by kind, where an entry after number ``seen`` is a reading that its alarm sees."""
    found: dict[str, bool] = {}
    for kind in JUDGED:
        limit = limit_of(kind, spec)
        (source,) = READINGS[metric_of(kind, spec.monitoring)]
        series = Series.of(entries, source, version)
        before = Series.of([entry for entry in entries if entry.seq <= seen], source, version)
        count = spec.monitoring.periods
        if limit and series.values and series.recorded[-count:] != before.recorded[-count:]:
            found[kind] = limit.is_crossed_by(held(series.values, spec.monitoring))
    if any(entry.kind == WINDOW_MEASURED and entry.seq > seen and _is_judged(entry, version) for entry in entries):
        found["silence"] = False
    return found


def _is_judged(entry: Entry, version: int) -> bool:
    return bool(entry.data["judged"]) and entry.data["version"] == version
