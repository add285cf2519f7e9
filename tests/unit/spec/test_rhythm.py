"""What lies between two runs of monitoring, and what a silence is."""

import pytest

from trimtab.errors import SpecError
from trimtab.spec import Spec, parse_spec
from trimtab.spec.rhythm import longest_gap_hours

MODEL = """\
name: tiny
data:
  id: row
  label: y
  columns:
    row: {type: integer}
    y: {type: integer}
training:
  entry_point: train.py
"""


def watched(monitoring: str) -> Spec:
    return parse_spec(f"{MODEL}monitoring: {monitoring}\n")


@pytest.mark.parametrize(
    ("schedule", "hours"),
    [
        ("rate(1 hour)", 1),
        ("rate(30 minutes)", 0.5),
        ("rate(7 days)", 168),
        ("cron(0 6 * * ? *)", 24),
        ("cron(0 6,8 * * ? *)", 22),
        ("cron(0/15 0/6 * * ? *)", 6),
        ("cron(0 6 ? * MON-FRI *)", 72),
        ("cron(0 6 ? * MON,WED,FRI *)", 72),
        ("cron(0 6 ? * 2 *)", 168),
        ("cron(0 6 1,16 * ? *)", 16 * 24),
        ("cron(0 6 L * ? *)", 31 * 24),
        ("cron(0 6 ? * TUE#2 *)", 31 * 24),
        ("cron(0 6 1 JAN,JUL ? *)", 184 * 24),
        ("cron(0 6 29 2 ? *)", 366 * 24),
        ("cron(0 22-2 * * ? *)", 20),
        ("cron(0 22-2/2 * * ? *)", 20),
        ("cron(0 6 ? * FRI-MON *)", 96),
        ("cron(what)", 24),
        ("rate(0 days)", 24),
    ],
)
def test_the_longest_time_between_two_runs_follows_from_the_schedule(schedule: str, hours: float) -> None:
    assert longest_gap_hours(schedule) == hours


@pytest.mark.parametrize(
    ("monitoring", "hours"),
    [
        ("{}", 48),
        ("{schedule: rate(1 hour)}", 48),
        ("{schedule: rate(7 days)}", 336),
        ("{schedule: rate(1 day), windows: {hours: 168}}", 336),
        ("{schedule: rate(1 hour), silence_hours: 3}", 3),
    ],
)
def test_a_silence_is_longer_than_the_pause_between_two_readings(monitoring: str, hours: int) -> None:
    assert watched(monitoring).monitoring.silent_hours == hours


@pytest.mark.parametrize(
    ("monitoring", "said"),
    [
        ("{schedule: rate(7 days), silence_hours: 48}", "no longer than the 168 hours between two readings"),
        ("{schedule: rate(2 days), silence_hours: 48}", "leave it out (96 hours then), or say more than 48"),
        ("{windows: {hours: 72}, silence_hours: 60}", "(rate(1 day), windows of 72 hours)"),
    ],
)
def test_a_silence_that_would_ring_between_two_runs_is_refused_by_line(monitoring: str, said: str) -> None:
    with pytest.raises(SpecError) as refused:
        watched(monitoring)
    assert "monitoring.silence_hours" in str(refused.value)
    assert said in str(refused.value)
