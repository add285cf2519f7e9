"""How alarms have turned, and when they rang."""

from datetime import timedelta

from tests.fakes import NOON
from tests.unit.reports.alarmed import BEGAN, DRIFT, ENDED, PAGE, STACK, CloudWatch
from trimtab.aws.alarm_reader import CloudWatchAlarmReader
from trimtab.monitoring.alarms import Rang, Turn, lately, rang


def test_alarms_of_either_type_are_read_with_their_limit_and_state() -> None:
    found = {alarm.name: alarm for alarm in CloudWatchAlarmReader(CloudWatch()).under("trimtab")}
    assert (found[DRIFT].state, found[DRIFT].limit, found[DRIFT].metric) == ("OK", 0.25, "PsiMax")
    assert (found[PAGE].state, found[PAGE].limit, found[PAGE].since) == ("ALARM", None, BEGAN)
    (named,) = CloudWatchAlarmReader(CloudWatch()).described([DRIFT, "nobody"])
    assert named.name == DRIFT
    assert CloudWatchAlarmReader(CloudWatch()).described([]) == []


def test_only_alarms_that_have_turned_lately_are_asked_for_their_history() -> None:
    cloudwatch = CloudWatch()
    found = lately(CloudWatchAlarmReader(cloudwatch), STACK, NOON)
    assert [(turn.alarm, turn.at, turn.after) for turn in found] == [
        (DRIFT, BEGAN, "ALARM"),
        (DRIFT, ENDED, "OK"),
        (PAGE, BEGAN, "ALARM"),
    ]
    assert [query["AlarmName"] for query in cloudwatch.asked if "AlarmName" in query] == [DRIFT, PAGE]


def test_an_alarm_that_has_rung_since_before_rings_from_where_one_looks() -> None:
    since = ENDED + timedelta(days=1)
    found = lately(CloudWatchAlarmReader(CloudWatch()), STACK, since)
    assert [(turn.alarm, turn.at, turn.after) for turn in found] == [(PAGE, since, "ALARM")]


def test_an_alarm_rang_from_one_turn_to_the_next_and_may_ring_still() -> None:
    drift, page = rang(lately(CloudWatchAlarmReader(CloudWatch()), STACK, NOON))
    assert (drift.label, drift.start, drift.end) == ("drift", BEGAN, ENDED)
    assert (page.label, page.start, page.end) == ("page", BEGAN, None)


def test_what_rang_before_the_first_turn_that_is_known_began_then() -> None:
    assert rang([Turn(NOON, "a", "ALARM", "OK", "x")]) == [Rang("a", NOON, NOON, "")]
    assert rang([Turn(NOON, "a", "INSUFFICIENT_DATA", "OK", "x")]) == []


def test_an_alarm_that_somebody_else_made_is_called_by_its_name() -> None:
    assert Rang("my-alarm", NOON, None, "").label == "my-alarm"
    assert Rang("trimtab-dev-model-tiny-AlarmsMonitoringBroken0A1B2C3D", NOON, None, "").label == "monitoringBroken"
