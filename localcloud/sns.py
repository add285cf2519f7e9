"""SNS: a function hears of a message as a queue does, with its id, its time and its attributes.

Source: "Using Lambda with Amazon SNS" of the Lambda developer guide. A message that cannot be delivered to a function
is gone: the RedrivePolicy of a subscription is kept and not acted upon, as a function that is there takes all.
"""

import json
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localcloud.cloud import Cloud

_NOT_SIGNED = "EXAMPLE"


@dataclass(frozen=True)
class _Delivery:
    """A message on its way to one subscriber."""

    subscription: Any
    message_id: str
    attributes: dict[str, Any]


_delivery: ContextVar[_Delivery] = ContextVar("delivery")


def install(cloud: Cloud) -> None:
    """Functions that subscribe to a topic are called with what was published, asynchronously."""

    def publish(subscription: Any, message: str, message_id: str, *more: Any, **named: Any) -> Any:
        token = _delivery.set(_Delivery(subscription, message_id, named.get("message_attributes") or {}))
        try:
            return original(subscription, message, message_id, *more, **named)
        finally:
            _delivery.reset(token)

    def send_sns_message(
        backend: Any, function_name: str, message: str, subject: str | None = None, qualifier: str | None = None
    ) -> None:
        at = datetime.fromtimestamp(cloud.clock.now(), UTC)
        event = {"Records": [_record(_delivery.get(), message, subject, at)]}
        backend.get_function(function_name, qualifier).invoke(json.dumps(event), {}, {})

    reason = "tells functions a constant id, no time and attributes of its own"
    original = cloud.patches.replace("moto.sns.models:Subscription.publish", publish, reason)
    cloud.patches.replace("moto.awslambda.models:LambdaBackend.send_sns_message", send_sns_message, reason)


def _record(delivery: _Delivery, message: str, subject: str | None, at: datetime) -> dict[str, Any]:
    subscription = delivery.subscription
    given = {name: {"Type": one["Type"], "Value": one["Value"]} for name, one in delivery.attributes.items()}
    sns = {
        "Type": "Notification",
        "MessageId": delivery.message_id,
        "TopicArn": subscription.topic.arn,
        "Subject": subject,
        "Message": message,
        "Timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
        "SignatureVersion": "1",
        "Signature": _NOT_SIGNED,
        "SigningCertUrl": _NOT_SIGNED,
        "UnsubscribeUrl": _NOT_SIGNED,
        "MessageAttributes": given,
    }
    return {"EventVersion": "1.0", "EventSubscriptionArn": subscription.arn, "EventSource": "aws:sns", "Sns": sns}
