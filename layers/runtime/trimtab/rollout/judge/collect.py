"""Evidence gathered from its sources. What cannot be read is said, and the rest is judged without it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from trimtab.errors import EvidenceUnreadable
from trimtab.rollout.judge.captured import Seen, captured
from trimtab.rollout.judge.evidence import RANKS, Evidence, Fleet, FleetEvidence, Latency, Minutes, Score
from trimtab.rollout.judge.minutes import MINUTE
from trimtab.rollout.judge.sources import Measurements, Series, Sources, Subject
from trimtab.rollout.rollback_alarms import requests_metric
from trimtab.spec.judging import JudgedMetric
from trimtab.spec.rollout import RolloutSpec

BEFORE: Final = timedelta(hours=1)
"""How long before the rollout the old fleet is looked at where it cannot be asked in the same minutes."""
_NAMESPACE: Final = "AWS/SageMaker"
_MICROSECONDS: Final = 1000
_COUNTED: Final = (("Invocation5XXErrors", "Sum"), ("ModelLatency", "SampleCount"))
T = TypeVar("T")


def collect(subject: Subject, rollout: RolloutSpec, sources: Sources) -> Evidence:
    """All that is known of both fleets since the rollout began."""
    unread: dict[str, str] = {}

    def read(source: str, act: Callable[[], T], otherwise: T) -> T:
        try:
            return act()
        except EvidenceUnreadable as error:
            unread[source] = str(error)
            return otherwise

    fleets = [subject.new, *([subject.old] if subject.old else [])]
    nothing = [FleetEvidence()] * 2
    measured = [*read("metrics", partial(_measured, sources.measurements, fleets, subject, rollout), nothing), *nothing]
    own: dict[str, list[Minutes]] = {}
    for metric in rollout.judge.metrics:
        own[metric.name] = read(f"metric:{metric.name}", partial(_series, metric, subject, sources.measurements), [])
    seen = read("capture", partial(captured, subject, sources.captures), Seen())
    truths = sources.truths
    none: Mapping[int, tuple[Score, ...]] = {}
    late = read("truth", partial(truths.losses, subject.since), none) if truths else none
    new = replace(
        measured[0],
        scores=seen.new,
        losses=late.get(subject.new_version, ()),
        expected=subject.new_expected,
        metrics=_of(own, 0),
    )
    old = replace(
        measured[1],
        scores=seen.old,
        losses=late.get(subject.old_version, ()),
        expected=subject.old_expected,
        metrics=_of(own, 1),
    )
    before = {metric.name: _earlier(own[metric.name], subject.since) for metric in rollout.judge.metrics}
    return Evidence(
        since=subject.since,
        new=new,
        old=old if subject.old else None,
        before=before,
        answers=seen.answers,
        side_by_side=_are_side_by_side(subject, rollout),
        unread=unread,
    )


def _are_side_by_side(subject: Subject, rollout: RolloutSpec) -> bool:
    """Variants of one config are, and so are the fleets of a rollout in which traffic moves in more than one step."""
    one_config = subject.old is not None and subject.new.config == subject.old.config
    return one_config or rollout.moved_by != "all_at_once"


def _measured(
    measurements: Measurements, fleets: list[Fleet], subject: Subject, rollout: RolloutSpec
) -> list[FleetEvidence]:
    """Both fleets' requests, errors and latencies by one call."""
    stats = [requests_metric(rollout), *_COUNTED, *(("ModelLatency", f"p{rank}") for rank in RANKS)]
    wanted = [Series(_NAMESPACE, name, fleet.dimensions, stat) for fleet in fleets for name, stat in stats]
    found = measurements.series(wanted, subject.since - BEFORE, subject.until)
    parts = [found[start : start + len(stats)] for start in range(0, len(found), len(stats))]
    return [
        FleetEvidence(requests=requests, errors=errors, latency=_latency(samples, ranks))
        for requests, errors, samples, *ranks in parts
    ]


def _latency(samples: Minutes, ranks: Iterable[Minutes]) -> dict[datetime, Latency]:
    """In milliseconds, for each minute of which all percentiles are known."""
    listed = list(ranks)
    return {
        minute: Latency(round(count), tuple(rank[minute] / _MICROSECONDS for rank in listed))
        for minute, count in samples.items()
        if count and all(minute in rank for rank in listed)
    }


def _series(metric: JudgedMetric, subject: Subject, measurements: Measurements) -> list[Minutes]:
    """The metric as each fleet has it."""
    fleets = [(subject.new, subject.new_version), (subject.old or subject.new, subject.old_version)]
    wanted = [
        Series(metric.namespace, metric.metric, _dimensions(metric, subject.model, fleet, version), metric.statistic)
        for fleet, version in fleets
    ]
    return list(measurements.series(wanted, subject.since - BEFORE, subject.until))


def _dimensions(metric: JudgedMetric, model: str, fleet: Fleet, version: int) -> dict[str, str]:
    places = {
        "endpoint": fleet.endpoint,
        "config": fleet.config,
        "variant": fleet.variant,
        "version": str(version),
        "model": model,
    }
    return {name: value.format_map(places) for name, value in metric.dimensions.items()}


def _of(own: Mapping[str, list[Minutes]], which: int) -> dict[str, Minutes]:
    return {name: found[which] for name, found in own.items() if found}


def _earlier(found: list[Minutes], since: datetime) -> Minutes:
    """Of the metric as the old fleet has it, the minutes that ended before the rollout began."""
    return {minute: value for minute, value in found[1].items() if minute + MINUTE <= since} if found else {}
