"""The rules of composite alarms."""

import pytest

from localcloud.cloudwatch.composite import InvalidRule, parse

STATES = {"errors": "ALARM", "latency": "OK", "drift: age": "INSUFFICIENT_DATA"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ALARM("errors")', True),
        ("ALARM(errors)", True),
        ("OK('latency')", True),
        ('ALARM("errors") AND ALARM("latency")', False),
        ('ALARM("errors") OR ALARM("latency")', True),
        ('ALARM("errors") AND NOT ALARM("latency")', True),
        ('NOT (ALARM("errors") OR OK("latency"))', False),
        ('ALARM("latency") AND ALARM("latency") OR ALARM("errors")', True),
        ('INSUFFICIENT_DATA("drift: age")', True),
        ("TRUE AND NOT FALSE", True),
        ("ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors)", True),
    ],
)
def test_a_rule_holds_by_the_states_of_its_alarms(text: str, expected: bool) -> None:
    assert parse(text).holds(STATES.__getitem__) is expected


def test_a_rule_names_its_alarms_once() -> None:
    assert parse("ALARM(a) OR OK(b) OR ALARM(a)").names == ("a", "b")


@pytest.mark.parametrize(
    "text", ["", "ALARM()", "ALARM(a) ALARM(b)", "(ALARM(a)", "AND ALARM(a)", "alarm(a)", "ALARM(a) AND"]
)
def test_a_malformed_rule_is_refused(text: str) -> None:
    with pytest.raises(InvalidRule):
        parse(text)
