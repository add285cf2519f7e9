"""Names of alarms as CloudFormation makes them."""

from collections.abc import Iterator
from typing import Any

import pytest

from replay.alarms import kind_of, plain, ringing, went_off
from tests.unit.reports.alarmed import QUIET, CloudWatch
from trimtab.aws.alarm_reader import CloudWatchAlarmReader


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("trimtab-dev-model-income-AlarmsDriftC7B542A9-0hgMSblwjK1B", "drift"),
        ("trimtab-dev-model-traffic-AlarmsMissingDropsC7B542A9-0hgMSblwjK1B", "missing drops"),
        ("trimtabdevmodelincomeAlarmsServicePage606D764A", "service page"),
        ("somebody-elses", "somebody-elses"),
    ],
)
def test_an_alarm_is_called_by_what_it_is_about(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_names_of_alarms_in_a_sentence_become_plain() -> None:
    said = "the alarm trimtab-dev-model-flights-AlarmsDriftC7B542A9-0hgMSblwjK1B, which waited"
    assert plain(said) == "the alarm drift, which waited"


def test_every_ring_is_counted_by_its_kind() -> None:
    """Drift rang once and is over, the page rings, and silence never did."""
    assert went_off(CloudWatchAlarmReader(CloudWatch())) == {"drift": 1, "page": 1}


class Ringing(CloudWatch):
    """Drift rings, and the page above it."""

    def paginate(self, **query: Any) -> Iterator[dict[str, Any]]:
        for page in super().paginate(**query):
            for found in (*page["MetricAlarms"], *page["CompositeAlarms"]):
                found["StateValue"] = "OK" if found["AlarmName"] == QUIET else "ALARM"
            yield page


def test_what_rings_now_is_told_without_the_pages_above_it() -> None:
    assert ringing(CloudWatchAlarmReader(Ringing())) == {"drift"}
