"""What the alarm of each kind has seen of a version, as the ledger has it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trimtab.ledger.kinds import CHANGE_MEASURED
from trimtab.monitoring.alarm_readings import READINGS, Series, held
from trimtab.monitoring.asked import last_asked
from trimtab.monitoring.change.measures import PERFORMANCE
from trimtab.monitoring.reconsidered import said_last
from trimtab.ports import Entry
from trimtab.spec.monitoring import MonitoringSpec
from trimtab.spec.retraining import AlarmKind
from trimtab.telemetry import metric_of


def newest(kind: AlarmKind, entries: Sequence[Entry], version: int, watch: MonitoringSpec) -> float | None:
    """What the alarm of the kind saw last of the version; None when nothing of it was judged.

    Of an alarm that counts M of N readings that is not the newest reading, but the one that M of the newest N reach.
    """
    if kind in ("change", "forecast"):
        return _looked_at(kind, entries, version, watch)
    series = (Series.of(entries, source, version) for source in READINGS[metric_of(kind, watch)])
    return max((held(each.values, watch) for each in series if each.values), default=None)


def _looked_at(kind: AlarmKind, entries: Iterable[Entry], version: int, watch: MonitoringSpec) -> float | None:
    """Of looks at many readings together the newest counts: it has seen all that the earlier ones saw."""
    known = list(entries)
    mine = [each for each in known if each.kind == CHANGE_MEASURED and each.data.get("version") == version]
    if not mine:
        return None
    newest = max(mine, key=lambda entry: (last_asked(entry.data), entry.seq))
    return _held_anew(kind, newest.data) if newest.seq < said_last(known, version) else _said(kind, newest.data, watch)


def _said(kind: AlarmKind, data: Mapping[str, Any], watch: MonitoringSpec) -> float:
    return _days(data, watch) if kind == "forecast" else _evidence(data["looks"])


def _held_anew(kind: AlarmKind, data: Mapping[str, Any]) -> float | None:
    """What a look from before a word on the baseline still says: how performance has changed. Its day, which may be
    that of drift, is foretold anew."""
    if kind == "forecast":
        return None
    return _evidence([look for look in data["looks"] if look.get("measure") in PERFORMANCE])


def _evidence(looks: Iterable[Mapping[str, Any]]) -> float:
    return max((float(look["evidence"]) for look in looks if look.get("rings", True)), default=0.0)


def _days(data: Mapping[str, Any], watch: MonitoringSpec) -> float:
    days = data.get("days_to_limit")
    return float(watch.change.horizon_days) if days is None else float(days)
