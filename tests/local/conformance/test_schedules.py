"""Scheduled rules and EventBridge Scheduler: when schedules fire, with what, and which are refused."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account, allow
from .bus import attributes, bodies, bus, queue_for, rule

pytestmark = pytest.mark.events


def test_a_scheduled_rule_fires_each_minute(account: Account) -> None:
    url, arn = queue_for(account)
    name = rule(account, {}, {"Arn": arn}, ScheduleExpression="rate(1 minute)")
    account.pass_time(130)
    first, second = bodies(account, url, 2)[:2]
    assert (first["detail-type"], first["source"], first["detail"]) == ("Scheduled Event", "aws.events", {})
    assert first["resources"] == [account.client("events").describe_rule(Name=name)["Arn"]]
    assert first["id"] != second["id"]


def schedule(account: Account, expression: str, target: dict[str, Any], **settings: Any) -> str:
    """The name of a new schedule in the default group."""
    scheduler, name = account.client("scheduler"), account.unique("schedule")
    given = {"FlexibleTimeWindow": {"Mode": "OFF"}} | settings
    scheduler.create_schedule(Name=name, ScheduleExpression=expression, Target=target, **given)
    if "ActionAfterCompletion" not in settings:
        account.later(scheduler.delete_schedule, Name=name)
    return name


def sender(account: Account, arn: str) -> dict[str, Any]:
    """A target that a schedule sends to, with a role that may."""
    return {"Arn": arn, "RoleArn": account.role("scheduler.amazonaws.com", allow("sqs:SendMessage", on=arn))}


def test_a_one_time_schedule_fires_once_names_itself_and_is_gone(account: Account) -> None:
    url, arn = account.queue()
    context = {"at": "<aws.scheduler.scheduled-time>", "schedule": "<aws.scheduler.schedule-arn>",
               "attempt": "<aws.scheduler.attempt-number>"}  # fmt: skip
    due = (account.now() + timedelta(seconds=90)).replace(microsecond=0)
    name = schedule(
        account,
        f"at({due:%Y-%m-%dT%H:%M:%S})",
        sender(account, arn) | {"Input": json.dumps(context)},
        ActionAfterCompletion="DELETE",
    )
    account.pass_time(120)
    (sent,) = bodies(account, url)
    assert (sent["at"], sent["attempt"]) == (f"{due:%Y-%m-%dT%H:%M:%SZ}", "1")
    assert sent["schedule"].endswith(f":schedule/default/{name}")
    scheduler = account.client("scheduler")
    account.wait_until(lambda: name not in [one["Name"] for one in scheduler.list_schedules()["Schedules"]], 10)


def test_a_time_zone_moves_a_one_time_schedule_and_a_start_date_does_not(account: Account) -> None:
    url, arn = account.queue()
    due = account.now() + timedelta(seconds=90)
    schedule(
        account,
        f"at({due + timedelta(hours=9):%Y-%m-%dT%H:%M:%S})",
        sender(account, arn) | {"Input": '"tokyo"'},
        ScheduleExpressionTimezone="Asia/Tokyo",
        StartDate=due + timedelta(days=9),  # a one-time schedule ignores it
    )
    account.pass_time(120)
    assert bodies(account, url) == ["tokyo"]


def test_a_schedule_runs_between_its_dates_and_inside_its_window(account: Account) -> None:
    url, arn = account.queue()
    now = account.now()
    schedule(
        account,
        "rate(1 minute)",
        sender(account, arn) | {"Input": "<aws.scheduler.scheduled-time>"},
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1},
        StartDate=now + timedelta(seconds=60),
        EndDate=now + timedelta(seconds=150),
    )
    account.pass_time(400)
    received = account.receive(url, 2)
    account.pass_time(60)
    assert len(received) + len(account.client("sqs").receive_message(QueueUrl=url).get("Messages", [])) == 2


def test_a_schedule_whose_target_refuses_leaves_its_input_in_the_dead_letter_queue(account: Account) -> None:
    (dead_url, dead_arn), arn = account.queue(), account.queue()[1]
    role = account.role("scheduler.amazonaws.com", allow("sqs:SendMessage", on=dead_arn))
    target = {"Arn": arn, "RoleArn": role, "Input": '{"a": 1}', "DeadLetterConfig": {"Arn": dead_arn}}
    schedule(account, "rate(1 minute)", target)
    account.pass_time(70)
    letter = account.receive(dead_url)[0]
    said = attributes(letter)
    assert json.loads(letter["Body"]) == {"a": 1}
    assert said["TARGET_ARN"] == arn
    assert {"SCHEDULE_ARN", "SCHEDULED_TIME", "EXECUTION_ID", "ERROR_CODE", "ERROR_MESSAGE"} <= said.keys()


def test_schedules_that_make_no_sense_are_refused(account: Account) -> None:
    scheduler, events, arn = account.client("scheduler"), account.client("events"), account.queue()[1]
    off: dict[str, Any] = {"FlexibleTimeWindow": {"Mode": "OFF"}}
    target = sender(account, arn)
    for text in ("cron(0 1 * * * *)", "cron(71 8 1 * ? *)", "rate(10 seconds)", "rate(10 minutess)", "at(2021-12-31)"):
        with pytest.raises(ClientError) as refused:
            scheduler.create_schedule(Name=account.unique("bad"), ScheduleExpression=text, Target=target, **off)
        assert refused.value.response["Error"]["Message"] == f"Invalid Schedule Expression {text}."
        with pytest.raises(ClientError, match="Parameter ScheduleExpression is not valid"):
            events.put_rule(Name=account.unique("bad"), ScheduleExpression=text)
    with pytest.raises(ClientError, match="ScheduleExpression is supported only on the default event bus"):
        events.put_rule(Name="bad", ScheduleExpression="rate(5 minutes)", EventBusName=bus(account))
    with pytest.raises(ClientError, match="StartDate you specify cannot be earlier than 5 minutes ago"):
        scheduler.create_schedule(
            Name="bad",
            ScheduleExpression="cron(0 1 * * ? *)",
            Target=target,
            StartDate=account.now() - timedelta(minutes=10),
            **off,
        )
