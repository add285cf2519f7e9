"""Sending one body to one target, as the rule's or schedule's role, and telling what an error means."""

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from localcloud.clients import Clients
from localcloud.cloud import Cloud

EVENTS: Final = "events.amazonaws.com"
SCHEDULER: Final = "scheduler.amazonaws.com"
_UNIVERSAL: Final = re.compile(r"arn:[\w-]+:scheduler:::aws-sdk:([\w-]+):(\w+)")
_SDK_NAMES: Final = {"sfn": "stepfunctions", "eventbridge": "events", "cloudwatchlogs": "logs"}


class UnsupportedTarget(ValueError):
    """Raised when a target is malformed, or of a kind that the local cloud does not run."""


class DeliveryFailed(Exception):
    """Raised when a target did not take the event; `retryable` tells whether it may later."""

    def __init__(self, code: str, message: str, retryable: bool) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


@dataclass(frozen=True)
class Sender:
    """On whose behalf targets are called: the service, and the ARN of the rule or schedule."""

    principal: str
    source_arn: str


@dataclass(frozen=True)
class Message:
    """One body on its way to one target; `event` is what caused it."""

    target: dict[str, Any]
    body: str
    event: dict[str, Any]
    sender: Sender

    @property
    def region(self) -> str:
        """The target's region, by its ARN; a universal target lives where its schedule does."""
        return str(self.target["Arn"].split(":")[3] or self.sender.source_arn.split(":")[3])


def validate_target(target: dict[str, Any], principal: str) -> None:
    """The local cloud can run this target. Raises UnsupportedTarget otherwise."""
    arn = str(target.get("Arn", ""))
    kind = _kind(arn)
    if kind is None:
        raise UnsupportedTarget(
            f"The local cloud does not run targets such as {arn}: it knows Lambda functions, state machines, SQS "
            "queues, SNS topics, event buses and log groups for rules, and aws-sdk calls for schedules."
        )
    if principal == EVENTS and kind == "universal":
        raise UnsupportedTarget(f"A rule cannot call {arn}: only Scheduler schedules have universal targets.")
    if not target.get("RoleArn") and (kind == "states" or principal == SCHEDULER):
        raise UnsupportedTarget(f"RoleArn is required for target {arn}.")


def send(cloud: Cloud, message: Message) -> None:
    """The target has taken the message. Raises DeliveryFailed."""
    try:
        _KINDS[str(_kind(message.target["Arn"]))][1](_Caller(cloud, message), message)
    except ClientError as error:
        raise _failure(error) from error
    except HTTPClientError as error:
        raise DeliveryFailed("CONNECTION_FAILURE", str(error), retryable=True) from error
    except BotoCoreError as error:
        raise DeliveryFailed("SDK_CLIENT_ERROR", str(error), retryable=False) from error
    except ValueError as error:
        raise DeliveryFailed("INVALID_JSON", str(error), retryable=False) from error


@dataclass(frozen=True)
class _Caller:
    cloud: Cloud
    message: Message

    def client(self, service: str) -> Any:
        sender, role = self.message.sender, self.message.target.get("RoleArn")
        if not role:
            return self.cloud.clients.as_service(sender.principal, service, self.message.region, sender.source_arn)
        try:
            return _as_role(self.cloud.clients, sender, role, service, self.message.region)
        except ClientError as error:
            raise DeliveryFailed("FAILED_TO_ASSUME_ROLE", str(error), retryable=False) from error

    def queue_url(self, arn: str) -> str:
        account, name = arn.split(":")[4:6]
        return f"{self.cloud.endpoint}/{account}/{name}"


def dead_letter_client(cloud: Cloud, message: Message, region: str) -> Any:
    """A client for the dead-letter queue: rules send in the service's name, schedules with their role."""
    sender, role = message.sender, message.target.get("RoleArn")
    if sender.principal == EVENTS or not role:
        return cloud.clients.as_service(sender.principal, "sqs", region, sender.source_arn)
    return _as_role(cloud.clients, sender, role, "sqs", region)


def _as_role(clients: Clients, sender: Sender, role: str, service: str, region: str) -> Any:
    session = uuid.uuid5(uuid.NAMESPACE_URL, sender.source_arn).hex
    return clients.as_role(role, sender.principal, session, service, region, _assuming_for(sender.source_arn))


def _assuming_for(arn: str) -> str:
    """What trust policies see as the source: a rule itself, but the group of a schedule."""
    group = arn.rpartition("/")[0]
    return group.replace(":schedule/", ":schedule-group/") if ":schedule/" in arn else arn


def _kind(arn: str) -> str | None:
    return next((kind for kind, (expression, _) in _KINDS.items() if re.fullmatch(expression, arn)), None)


def _start_execution(caller: _Caller, message: Message) -> None:
    arn = message.target["Arn"]
    caller.client("stepfunctions").start_execution(stateMachineArn=arn, input=message.body, name=str(uuid.uuid4()))


def _invoke(caller: _Caller, message: Message) -> None:
    json.loads(message.body)
    arn = message.target["Arn"]
    caller.client("lambda").invoke(FunctionName=arn, Payload=message.body.encode(), InvocationType="Event")


def _send_message(caller: _Caller, message: Message) -> None:
    group = (message.target.get("SqsParameters") or {}).get("MessageGroupId")
    extra = {"MessageGroupId": group} if group else {}
    url = caller.queue_url(message.target["Arn"])
    caller.client("sqs").send_message(QueueUrl=url, MessageBody=message.body, **extra)


def _publish(caller: _Caller, message: Message) -> None:
    caller.client("sns").publish(TopicArn=message.target["Arn"], Message=message.body)


def _put_event(caller: _Caller, message: Message) -> None:
    event, given = message.event, message.target.get("EventBridgeParameters") or {}
    entry = {
        "EventBusName": message.target["Arn"],
        "Source": given.get("Source", event["source"]),
        "DetailType": given.get("DetailType", event["detail-type"]),
        "Detail": message.body if given else json.dumps(event["detail"]),
        "Resources": event["resources"],
    }
    answer = caller.client("events").put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        failed = answer["Entries"][0]
        raise DeliveryFailed("ERROR_FROM_TARGET", f"{failed['ErrorCode']}: {failed['ErrorMessage']}", retryable=False)


def _log(caller: _Caller, message: Message) -> None:
    group = message.target["Arn"].split(":log-group:")[1].split(":")[0]
    now = int(caller.cloud.clock.now() * 1000)
    event = {"timestamp": now, "message": message.body}
    logs, stream = caller.client("logs"), uuid.uuid4().hex
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])


def _call_api(caller: _Caller, message: Message) -> None:
    found = _UNIVERSAL.fullmatch(message.target["Arn"])
    assert found is not None  # validate_target has let it in
    service, action = found.groups()
    client = caller.client(_SDK_NAMES.get(service.lower(), service.lower()))
    operations = {name.replace("_", ""): name for name in client.meta.method_to_api_mapping}
    if action.lower() not in operations:
        raise DeliveryFailed("INVALID_PARAMETER", f"{service} has no operation {action}", retryable=False)
    getattr(client, operations[action.lower()])(**json.loads(message.body or "{}"))


_ARN: Final = r"arn:[\w-]+:"
_KINDS: Final[dict[str, tuple[str, Callable[[_Caller, Message], None]]]] = {
    "states": (_ARN + r"states:[\w-]+:\d{12}:stateMachine:.+", _start_execution),
    "lambda": (_ARN + r"lambda:[\w-]+:\d{12}:function:.+", _invoke),
    "sqs": (_ARN + r"sqs:[\w-]+:\d{12}:.+", _send_message),
    "sns": (_ARN + r"sns:[\w-]+:\d{12}:.+", _publish),
    "bus": (_ARN + r"events:[\w-]+:\d{12}:event-bus/.+", _put_event),
    "logs": (_ARN + r"logs:[\w-]+:\d{12}:log-group:.+", _log),
    "universal": (_UNIVERSAL.pattern, _call_api),
}
_MEANINGS: Final = (
    ("Throttl|TooManyRequests|LimitExceeded|SlowDown|RequestLimit", "THROTTLING", True),
    ("AccessDenied|NotAuthorized|AuthorizationError|Forbidden", "NO_PERMISSIONS", False),
    ("NotFound|NonExistent|DoesNotExist|NoSuch", "NO_RESOURCE", False),
    ("InvalidExecutionInput|InvalidRequestContent|MalformedDetail", "INVALID_JSON", False),
    ("Validation|Invalid|Missing|Malformed", "INVALID_PARAMETER", False),
)


def _failure(error: ClientError) -> DeliveryFailed:
    code, message = error.response["Error"]["Code"], str(error)
    if error.response["ResponseMetadata"].get("HTTPStatusCode", 400) >= 500:
        return DeliveryFailed("ERROR_FROM_TARGET", message, retryable=True)
    for expression, meaning, retryable in _MEANINGS:
        if re.search(expression, code):
            return DeliveryFailed(meaning, message, retryable)
    return DeliveryFailed("ERROR_FROM_TARGET", message, retryable=False)
