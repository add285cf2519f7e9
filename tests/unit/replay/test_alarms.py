"""Names of alarms as CloudFormation makes them."""

import pytest

from replay.alarms import kind_of, plain


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
