"""Looks at all readings of the serving version together; last step of the monitoring machine.

And says what the day has cost.
"""

from typing import Any

from trimtab.contracts import Event
from trimtab.cost.day import cost_of_day
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ledger.kinds import BASELINE_RECONSIDERED, CHANGE_MEASURED, TRAINING_RELEASED, WINDOW_COLLECTED
from trimtab.ledger.lookup import decided
from trimtab.monitoring.change.look import in_words, look_at, nearest_crossing, worst_evidence
from trimtab.monitoring.change.measures import KINDS, measures_of
from trimtab.monitoring.reconsidered import comparable
from trimtab.telemetry import Metric


@entrypoint(Event)
def handler(event: Event, runtime: Runtime) -> dict[str, Any]:
    """The ledger says what has changed and where it is heading, and two alarms can hear of it."""
    champion = runtime.ledger.state("champion")
    if champion is None:
        return {"outcome": "NotServing", "measures": 0}
    _tell_cost(event, runtime)
    subject = f"change:{event.at.isoformat()}"
    version, spec = int(champion["version"]), runtime.spec.monitoring
    if found := decided(runtime.ledger, CHANGE_MEASURED, subject):
        return _result(found["looks"])
    readings = [entry for kind in KINDS for entry in runtime.ledger.entries(kind)]
    words = runtime.ledger.entries(BASELINE_RECONSIDERED)
    measures = measures_of(comparable(readings, words, version), version, spec)
    if not measures:
        return _result([])
    looks = look_at(measures, event.at, spec.change)
    days = nearest_crossing(looks, event.at)
    runtime.metrics.put(Metric.CHANGE, worst_evidence(looks))
    runtime.metrics.put(Metric.DAYS_TO_LIMIT, float(spec.change.horizon_days) if days is None else days)
    shown = [look.to_json() for look in looks]
    data = {"version": version, "looks": shown, "days_to_limit": days, "summary": in_words(looks)}
    runtime.ledger.append(CHANGE_MEASURED, subject, data, event.at, "measure_change")
    return _result(shown)


def _tell_cost(event: Event, runtime: Runtime) -> None:
    """Once a run, as all that it rests on is in the ledger by now."""
    entries = [entry for kind in (WINDOW_COLLECTED, TRAINING_RELEASED) for entry in runtime.ledger.entries(kind)]
    runtime.metrics.put(Metric.COST_PER_DAY, cost_of_day(runtime.spec, entries, event.at))


def _result(looks: Any) -> dict[str, Any]:
    return {"outcome": "Measured" if looks else "NoReadings", "measures": len(looks)}
