"""What a topic says reaches its receiver, and what must not leave the account stays."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.notify_webhook.handler import NotifyWebhookEvent, notify
from tests.fakes import NOON
from tests.unit.functions.scene import Scene
from tests.unit.notifications.cloudwatch import changed, drifted, page
from tests.unit.reports.monitored import monitored
from trimtab.aws.notifier import TopicNotifier
from trimtab.errors import NotDelivered
from trimtab.monitoring.alarms import AlarmSeen, Turn
from trimtab.notifications.delivery import Delivery, Reply
from trimtab.notifications.notification import LINE
from trimtab.notifications.secret import Secret
from trimtab.spec.receivers import Receiver

SECRET = Secret("https://hidden.test/", ("k" * 32,))
RECEIVER = Receiver(name="ops", kind="webhook", parameter="/trimtab/dev/ops")


@dataclass
class Topic:
    """SNS as the adapter calls it, and what it then sends to a function."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def publish(self, TopicArn: str, Subject: str, Message: str, MessageAttributes: dict[str, dict[str, str]]) -> None:
        given = {
            name: {"Type": one["DataType"], "Value": one["StringValue"]} for name, one in MessageAttributes.items()
        }
        self.events.append(delivered(Message, given))


def delivered(message: str, attributes: dict[str, Any] | None = None) -> dict[str, Any]:
    """A function's event, as SNS sends it."""
    sns = {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:topic",
        "Subject": None,
        "Message": message,
        "Timestamp": "2026-01-01T12:00:00.000Z",
        "MessageAttributes": attributes or {},
    }
    return {"Records": [{"EventVersion": "1.0", "EventSource": "aws:sns", "Sns": sns}]}


@dataclass
class Alarms:
    """A reader of these alarms."""

    held: list[AlarmSeen] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)

    def described(self, names: Iterable[str]) -> Sequence[AlarmSeen]:
        wanted = list(names)
        self.asked.append(wanted)
        return [alarm for alarm in self.held if alarm.name in wanted]

    def under(self, prefix: str) -> Sequence[AlarmSeen]:
        return [alarm for alarm in self.held if alarm.name.startswith(prefix)]

    def turns(self, name: str, since: datetime) -> Sequence[Turn]:
        return []


@dataclass
class Call:
    """The function, called once."""

    event: dict[str, Any]
    alarms: Alarms = field(default_factory=Alarms)
    scene: Scene = field(default_factory=Scene)
    reply: Reply = field(default_factory=lambda: Reply(200))
    sent: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self) -> dict[str, Any]:
        delivery = Delivery(RECEIVER, SECRET, self._post, lambda: 0.0, lambda _: None)
        return notify(NotifyWebhookEvent.model_validate(self.event), self.scene.runtime, self.alarms, delivery)

    def _post(self, secret: Secret, body: bytes, headers: dict[str, str]) -> Reply:
        self.sent.append(json.loads(body))
        return self.reply


def told(event: dict[str, Any], **parts: Any) -> dict[str, Any]:
    call = Call(event, **parts)
    assert call() == {"outcome": "Delivered", "attempts": 1}
    return call.sent[0]


def noticed(**parts: Any) -> dict[str, Any]:
    """A function's event about a notice that our own adapter has published."""
    topic = Topic()
    TopicNotifier(topic, "topic", "tiny").send("a subject", "What.", "Why.", "Next.", "s3://b/report.html", **parts)
    return topic.events[0]


def test_a_notice_of_our_own_arrives_with_all_its_fields() -> None:
    body = told(noticed())
    assert (body["id"], body["at"], body["model"]) == ("m-1", "2026-01-01T12:00:00+00:00", "tiny")
    assert body["subject"] == "[tiny] a subject"
    assert (body["what"], body["why"], body["to_do"]) == ("What.", "Why.", "Next.")
    assert body["links"]["page"] == "s3://b/report.html"


def test_an_email_has_a_long_reason_in_full_and_a_program_a_short_line_of_it() -> None:
    why, next_step = "refused: " + "x" * 2 * LINE + "\nin its rows", "Read this. " * LINE + "trimtab approve tiny 2"
    topic = Topic()
    TopicNotifier(topic, "topic", "tiny").send("a subject", "What.", why, next_step)
    (record,) = topic.events[0]["Records"]
    assert all(line in record["Sns"]["Message"] for line in [*why.splitlines(), next_step])
    assert [len(told(topic.events[0])[name]) for name in ("why", "to_do")] == [LINE, LINE]


def test_a_reason_that_may_quote_data_stays_in_the_account() -> None:
    body = told(noticed(quotes_data=True))
    assert "Why." not in json.dumps(body)
    assert body["why"].endswith("see the e-mail, the report or trimtab history tiny.")


def test_a_page_is_told_with_what_rings_below_it_and_what_the_ledger_knows() -> None:
    at = NOON + timedelta(days=1)
    quiet = AlarmSeen("tiny-Quality", "OK", "tiny: x", "", at)
    alarms = Alarms([drifted(at), quiet])
    body = told(delivered(page(at, "tiny-Drift", "tiny-Quality")), alarms=alarms, scene=monitored().scene)
    assert alarms.asked == [["tiny-Drift", "tiny-Quality"]]
    assert body["how_much"][0] == "columns have drifted: 0.41, limit 0.25"
    assert body["how_much"][1].startswith("moved: x: PSI")
    assert body["since"] == "2026-01-02 11:00 UTC"
    assert body["links"]["page"] == "s3://captures/tiny/reports/monitoring.html"
    assert body["state"] == "alarm"


def test_an_alarm_of_the_stage_needs_no_ledger() -> None:
    scene = Scene()
    scene.ledger.entries = None  # type: ignore[assignment,method-assign]
    body = told(delivered(changed("Unrecorded", "A failure was lost. What to do: docs/x.md", NOON)), scene=scene)
    assert (body["model"], body["subject"]) == ("", "[trimtab] A failure was lost")


def test_what_is_not_for_people_goes_nowhere() -> None:
    call = Call(delivered(json.dumps({"invocationStatus": "Completed", "requestParameters": {"x": 1}})))
    assert call() == {"outcome": "NotForPeople", "attempts": 0}
    assert call.sent == []


def test_a_receiver_that_refuses_fails_the_call_so_that_lambda_keeps_the_message() -> None:
    with pytest.raises(NotDelivered, match="receiver 'ops' answers 410") as refused:
        Call(noticed(), reply=Reply(410))()
    assert "hidden" not in str(refused.value)
