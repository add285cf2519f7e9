"""Tells one receiver, a chat or a program, what the stage's topic says; called by the topic."""

import time
from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from trimtab.aws.alarm_reader import CloudWatchAlarmReader
from trimtab.aws.parameters import SecureParameters
from trimtab.contracts import Event, Notice
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.monitoring.alarms import AlarmReader
from trimtab.names import MONITORING_PAGE
from trimtab.notifications.alarms import Known, of_alarm
from trimtab.notifications.delivery import Delivery
from trimtab.notifications.formats import Envelope
from trimtab.notifications.https import Https
from trimtab.notifications.notification import Notification
from trimtab.notifications.received import NOTICE, AlarmMessage, of_notice, read_alarm
from trimtab.notifications.secret import read_secret
from trimtab.reports.monitoring_seen import looked_at, see
from trimtab.spec.receivers import Receiver


class NotifyWebhookEvent(Event):
    """One message of a topic; ``execution`` is its id, the same however often it is delivered."""

    text: str
    notice: Notice | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_topic(cls, event: Any) -> Any:
        """SNS sends one message in each call."""
        if not isinstance(event, Mapping) or "Records" not in event:
            return event
        message = event["Records"][0]["Sns"]
        named = {name: found["Value"] for name, found in message["MessageAttributes"].items()}
        alarm = read_alarm(message["Message"])
        found: dict[str, Any] = {
            "model": alarm.model if alarm else named.get("model", ""),
            "at": message["Timestamp"],
            "execution": message["MessageId"],
            "text": message["Message"],
        }
        return found | ({"notice": Notice.model_validate_json(named[NOTICE])} if NOTICE in named else {})


@entrypoint(NotifyWebhookEvent)
def handler(event: NotifyWebhookEvent, runtime: Runtime) -> dict[str, Any]:
    """The receiver has taken the message, or Lambda sends it again and then keeps it."""
    receiver = Receiver.model_validate_json(runtime.settings.receiver)
    secret = read_secret(receiver, SecureParameters.connect().read(receiver.parameter))
    post = Https(receiver.private_network)
    delivery = Delivery(receiver, secret, post, time.time, time.sleep)
    return notify(event, runtime, CloudWatchAlarmReader.connect(), delivery)


def notify(event: NotifyWebhookEvent, runtime: Runtime, alarms: AlarmReader, delivery: Delivery) -> dict[str, Any]:
    """Raises NotDelivered. What is not for people (answers of asynchronous endpoints, say) goes nowhere."""
    told = _composed(event, runtime, alarms, delivery.receiver.docs)
    if told is None:
        return {"outcome": "NotForPeople", "attempts": 0}
    envelope = Envelope(event.execution, event.at, runtime.settings.stage)
    return {"outcome": "Delivered", "attempts": delivery.deliver(told, envelope)}


def _composed(event: NotifyWebhookEvent, runtime: Runtime, alarms: AlarmReader, docs: str) -> Notification | None:
    if event.notice is not None:
        return of_notice(event.notice)
    alarm = read_alarm(event.text)
    return of_alarm(_known(alarm, runtime, alarms, docs)) if alarm is not None else None


def _known(alarm: AlarmMessage, runtime: Runtime, alarms: AlarmReader, docs: str) -> Known:
    """What rings below a composite now, and what the ledger says of the model, where the message is of one."""
    below = [each for each in alarms.described(alarm.children) if each.state == "ALARM"] if alarm.children else []
    if not alarm.model:
        return Known(alarm, below, docs=docs)
    page = runtime.capture(*MONITORING_PAGE)
    known = Known(alarm, below, docs=docs, page=page)
    if not known.is_measuring:
        return known
    return Known(alarm, below, see(alarm.model, looked_at(runtime.ledger), windows=1), docs, page)
