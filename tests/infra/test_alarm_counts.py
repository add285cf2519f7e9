"""M of N are readings, whatever the schedule; and what rings rings its page."""

from collections.abc import Sequence
from typing import Any

import pytest

from localcloud.cloudwatch.alarms import Alarm, AlarmBook
from localcloud.cloudwatch.evaluation import evaluate_composite
from tests.infra.alarm_evaluation import BEGINNING, Watched, of_trimtab, plain
from tests.infra.alarm_readings import FAILED, FINE, asked, in_another_unit, monitored, moved, same
from tests.infra.test_alarm_proofs import BUSY, spec_of, template_of
from tests.unit.monitoring.test_alarm_readings import Watch
from trimtab.entrypoint import EmfMetrics
from trimtab.spec import Spec

BAD, GOOD, THIN = 0.4, 0.1, None
HOURS = {"rate(1 hour)": 1, "rate(1 day)": 24, "rate(7 days)": 168}
RINGS, QUIET = "ALARM", "OK"
Properties = dict[str, dict[str, Any]]


def counting(spec: Spec, schedule: str) -> Spec:
    """The spec with alarms of two of three."""
    document = spec.model_dump(mode="json")
    document["monitoring"] |= {"schedule": schedule, "silence_hours": None, "periods": 3, "datapoints": 2}
    return Spec.model_validate(document)


def own(template: dict[str, Any], kind: str) -> Properties:
    """Properties by id, of alarms of one kind."""
    found = {id: one for id, one in template["Resources"].items() if one["Type"] == f"AWS::CloudWatch::{kind}"}
    return {id.removeprefix("Alarms")[:-8]: one["Properties"] for id, one in found.items()}


def lived(schedule: str, readings: Sequence[float | None]) -> list[str]:
    """States of the alarm on drift, each just before the reading after."""
    spec = counting(spec_of(), schedule)
    drift = Watched("Drift", own(template_of(spec), "Alarm")["Drift"])
    watch = Watch(schedule=schedule, periods=3, datapoints=2)

    def publish(metrics: EmfMetrics, reading: float | None) -> None:
        watch.publish(metrics, (reading, 0))

    states = []
    for reading in readings:
        emitted = of_trimtab(lambda metrics, reading=reading: publish(metrics, reading))  # type: ignore[misc]
        states.append(drift.live_on(emitted, HOURS[schedule] * 3600))
    return states


@pytest.mark.parametrize("schedule", HOURS)
def test_two_of_three_readings_ring_and_clear_whatever_the_schedule(schedule: str) -> None:
    readings = [GOOD, BAD, BAD, BAD, GOOD, GOOD, BAD, GOOD, GOOD]
    assert lived(schedule, readings) == [QUIET, QUIET, RINGS, RINGS, RINGS, *[QUIET] * 4]


@pytest.mark.parametrize("schedule", HOURS)
def test_an_alarm_keeps_its_state_while_nothing_is_judged(schedule: str) -> None:
    assert lived(schedule, [GOOD, BAD, BAD, *[THIN] * 4, GOOD, GOOD]) == [QUIET, QUIET, *[RINGS] * 6, QUIET]


def test_a_bad_hour_on_each_of_two_days_does_not_ring() -> None:
    assert set(lived("rate(1 hour)", [BAD if hour in (3, 27) else GOOD for hour in range(30)])) == {QUIET}


def pages(template: dict[str, Any]) -> dict[str, Alarm]:
    """The alarms as a book has them: metric alarms without data, and the pages above them."""
    book = AlarmBook("arn:aws:cloudwatch:us-east-1:123456789012:alarm:")
    for name, properties in own(template, "Alarm").items():
        watched = Watched(name, properties)
        book[name] = watched.alarm
    for name, properties in own(template, "CompositeAlarm").items():
        parts = properties["AlarmRule"]["Fn::Join"][1]
        rule = "".join(part if isinstance(part, str) else _arn(part) for part in parts)
        book.put({"AlarmName": name, "AlarmRule": rule}, BEGINNING)
    return book


def _arn(reference: Any) -> str:
    logical = plain(reference).removesuffix(".Arn")
    return f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{logical.removeprefix('Alarms')[:-8]}"


CALM = asked(*[FINE] * BUSY)
UNDER = {
    ("Page", "Drift"): (monitored(same), monitored(moved)),
    ("Page", "Prediction"): (monitored(same), monitored(moved)),
    ("Page", "Schema"): (monitored(same), monitored(in_another_unit)),
    ("Page", "Quality"): (monitored(same), monitored(same, noise=True)),
    ("ServicePage", "Errors"): (CALM, asked(*[FAILED] * 6, *[FINE] * BUSY)),
}


@pytest.mark.parametrize(("page", "name"), UNDER)
def test_a_page_rings_and_clears_with_what_is_under_it(page: str, name: str) -> None:
    template, (good, bad) = template_of(spec_of()), UNDER[page, name]
    book, watched = pages(template), Watched(name, own(template, "Alarm")[name])
    found = []
    for emitted in (good(), bad(), good()):
        watched.live_through(emitted)
        book[name] = watched.alarm
        found.append(evaluate_composite(book[page], book).value)
    assert found == [QUIET, RINGS, QUIET]


def test_every_alarm_on_a_measurement_pages_and_no_other_does() -> None:
    book = pages(template_of(spec_of()))
    paging: dict[str, set[str]] = {"Page": set(), "ServicePage": set()}
    for name, alarm in book.items():
        if alarm.rule is None:
            before, alarm.state = alarm.state, alarm.state.__class__(RINGS, "", "", BEGINNING, BEGINNING)
            for page, found in paging.items():
                found |= {name} if evaluate_composite(book[page], book).value == RINGS else set()
            alarm.state = before
    measured = {"Drift", "Prediction", "Schema", "Quality", "Estimate", "Slice", "Bias", "Change", "Forecast"}
    assert paging == {"Page": measured, "ServicePage": {"Errors", "Saturation", "Latency", "Throughput"}}
