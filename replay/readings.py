"""Which alarms should ring by the readings in the ledger: what is waited for before the next day begins."""

from collections.abc import Mapping, Sequence

from trimtab.ledger.kinds import WINDOW_MEASURED
from trimtab.monitoring.alarm_readings import READINGS, Series, held
from trimtab.ports import Entry
from trimtab.spec import Spec
from trimtab.telemetry import Metric


def expected(entries: Sequence[Entry], seen: int, version: int, spec: Spec) -> Mapping[str, bool]:
    """Whether an alarm should ring, by kind, where an entry after number ``seen`` is a reading that its alarm sees."""
    found = {}
    for kind, (metric, limit) in _limits(spec).items():
        (source,) = READINGS[metric]
        series = Series.of(entries, source, version)
        before = Series.of([entry for entry in entries if entry.seq <= seen], source, version)
        count = spec.monitoring.periods
        if series.values and series.recorded[-count:] != before.recorded[-count:]:
            found[kind] = held(series.values, spec.monitoring) > limit
    if any(entry.kind == WINDOW_MEASURED and entry.seq > seen and _is_judged(entry, version) for entry in entries):
        found["silence"] = False
    return found


def _limits(spec: Spec) -> dict[str, tuple[Metric, float]]:
    watch = spec.monitoring
    by_importance = watch.drift_by == "importance"
    return {
        "drift": (Metric.PSI_WEIGHTED if by_importance else Metric.PSI_MAX, watch.psi_limit),
        "prediction": (Metric.PSI_PREDICTION, watch.prediction_psi_limit),
        "quality": (Metric.QUALITY_DROP, watch.quality.max_drop),
    }


def _is_judged(entry: Entry, version: int) -> bool:
    return bool(entry.data["judged"]) and entry.data["version"] == version
