"""Where the outcome of an asynchronous invocation goes, with the function's role: destinations, dead-letter queues."""

import json
import sys
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloud import Cloud
from localcloud.lambda_.asynchronous import Event, Policy, Verdict
from localcloud.lambda_.launch import SERVICE_PRINCIPAL

SUPPORTED_SERVICES = ("sqs", "sns", "lambda", "events")
_LONGEST_ERROR_MESSAGE = 1024


@dataclass(frozen=True)
class Sender:
    """The function on whose behalf something is sent."""

    arn: str
    name: str
    version: str
    role: str
    region: str


class Destinations:
    """Sends invocation records and dead letters."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def deliver(self, sender: Sender, event: Event, policy: Policy, verdict: Verdict) -> list[str]:
        """The outcome has been sent wherever the policy says; gives the metrics of deliveries that failed."""
        succeeded = verdict.condition == "Success"
        destination = policy.on_success if succeeded else policy.on_failure
        failures = []
        if destination is not None:
            record = self._record(sender, event, verdict)
            if not self._send(sender, destination, json.dumps(record), {}, succeeded):
                failures.append("DestinationDeliveryFailures")
        if policy.dead_letter is not None and not succeeded:
            attributes = _dead_letter_attributes(event, verdict)
            if not self._send(sender, policy.dead_letter, event.payload.decode(), attributes, succeeded):
                failures.append("DeadLetterErrors")
        return failures

    def _record(self, sender: Sender, event: Event, verdict: Verdict) -> dict[str, Any]:
        timestamp = self._cloud.clock.utcnow().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record: dict[str, Any] = {
            "version": "1.0",
            "timestamp": timestamp,
            "requestContext": {
                "requestId": event.request_id,
                "functionArn": f"{sender.arn}:{event.qualifier or '$LATEST'}",
                "condition": verdict.condition,
                "approximateInvokeCount": event.attempts,
            },
            "requestPayload": json.loads(event.payload),
        }
        if verdict.response is not None:
            context = {"statusCode": 200, "executedVersion": sender.version}
            record["responseContext"] = context | ({"functionError": "Unhandled"} if verdict.response.failed else {})
            record["responsePayload"] = json.loads(verdict.response.payload or b"null")
        return record

    def _send(self, sender: Sender, target: str, body: str, attributes: dict[str, Any], succeeded: bool) -> bool:
        service = target.split(":")[2]
        try:
            client = self._cloud.clients.as_role(
                sender.role, SERVICE_PRINCIPAL, sender.name, service, region=target.split(":")[3]
            )
            _SENDERS[service](client, sender, target, body, attributes, succeeded)
        except (BotoCoreError, ClientError) as error:
            print(f"{sender.name} could not send its outcome to {target}: {error}", file=sys.stderr, flush=True)
            return False
        return True


def _dead_letter_attributes(event: Event, verdict: Verdict) -> dict[str, Any]:
    answer = json.loads(verdict.response.payload or b"{}") if verdict.response else {}
    message = str(answer.get("errorMessage", "")) if isinstance(answer, dict) else ""
    return {
        "RequestID": {"DataType": "String", "StringValue": event.request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": "200" if verdict.response else "429"},
        "ErrorMessage": {"DataType": "String", "StringValue": message[:_LONGEST_ERROR_MESSAGE] or "Rate Exceeded."},
    }


def _to_sqs(client: Any, _sender: Sender, target: str, body: str, attributes: dict[str, Any], _ok: bool) -> None:
    *_, account, name = target.split(":")
    url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)


def _to_sns(client: Any, _sender: Sender, target: str, body: str, attributes: dict[str, Any], _ok: bool) -> None:
    client.publish(TopicArn=target, Message=body, MessageAttributes=attributes)


def _to_lambda(client: Any, _sender: Sender, target: str, body: str, _attributes: dict[str, Any], _ok: bool) -> None:
    client.invoke(FunctionName=target, InvocationType="Event", Payload=body.encode())


def _to_events(client: Any, sender: Sender, target: str, body: str, _attributes: dict[str, Any], ok: bool) -> None:
    client.put_events(
        Entries=[
            {
                "Source": "lambda",
                "DetailType": f"Lambda Function Invocation Result - {'Success' if ok else 'Failure'}",
                "Detail": body,
                "EventBusName": target,
                "Resources": [target, f"{sender.arn}:{sender.version}"],
            }
        ]
    )


_SENDERS = {"sqs": _to_sqs, "sns": _to_sns, "lambda": _to_lambda, "events": _to_events}
