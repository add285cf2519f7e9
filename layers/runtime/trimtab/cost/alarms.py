"""How many metrics a model's alarms look at, which is what CloudWatch asks money for.

A test counts them in the templates, so that an alarm more is a number more here.
"""

from trimtab.spec import Spec
from trimtab.spec.limits import limit_of
from trimtab.spec.retraining import KINDS
from trimtab.spec.timetable import has_gates

MACHINES = 6
_OF_A_MACHINE = 3
"""Executions that failed, timed out and were aborted."""
_OTHERS = 3
"""Disagreement, GivenUp and DeadLetters; Silence, Unreadable, Unusable and MissingTruth where something can be
measured."""
_SETTLING = 3
_BAND = 2
"""A band's two limits are counted as metrics beside what they are around."""
_WATCHED_BY_ANOMALY = {"latency": 1, "throughput": 1, "errors": 3}


def alarm_metrics(spec: Spec) -> int:
    """Metrics of all the model's alarms, bands counted as two."""
    watch = spec.monitoring
    settling = _SETTLING if watch.alarms.mute_minutes else 0
    missing_drops = spec.data.expected_every_days is not None
    anomalies = sum(_WATCHED_BY_ANOMALY[name] + _BAND for name in watch.alarms.anomalies)
    others = _OTHERS + (3 + (watch.alarms.truth_expected_days is not None) if spec.is_measured else 0)
    machines = MACHINES + int(spec.stores) + int(spec.batch is not None) + int(has_gates(spec.rollout))
    return machines * _OF_A_MACHINE + others + settling + missing_drops + _measured(spec) + _service(spec) + anomalies


def composite_alarms() -> int:
    """The page about measurements, and the one about the endpoint."""
    return 2


def _measured(spec: Spec) -> int:
    return sum(limit_of(kind, spec) is not None for kind in KINDS)


def _service(spec: Spec) -> int:
    """Errors among requests; processors and memory, memory and concurrency, or a backlog; latency and throughput."""
    watch, is_async = spec.monitoring.alarms, spec.rollout.endpoint.kind == "async"
    latency = watch.max_latency_ms is not None and not is_async
    return 2 + (1 if is_async else 2) + latency + (watch.min_requests_per_hour is not None)
