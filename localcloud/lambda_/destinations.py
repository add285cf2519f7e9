"""Where the outcome of an asynchronous invocation goes, with the function's role: destinations, dead-letter queues."""

import json
import sys
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloud import Cloud
from localcloud.lambda_.asynchronous import Event, Policy, Verdict
from localcloud.lambda_.launch import SERVICE_PRINCIPAL
from localcloud.lambda_.specification import LATEST, FunctionSpec

SUPPORTED_SERVICES = ("sqs", "sns", "lambda", "events")
_LONGEST_ERROR_MESSAGE = 1024


class Destinations:
    """Sends invocation records and dead letters."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def deliver(self, spec: FunctionSpec, event: Event, policy: Policy, verdict: Verdict) -> list[str]:
        """The outcome has been sent wherever the policy says; gives the metrics of deliveries that failed."""
        succeeded = verdict.condition == "Success"
        destination = policy.on_success if succeeded else policy.on_failure
        failures = []
        if destination is not None:
            record = self._record(spec, event, verdict)
            if not self._send(spec, destination, json.dumps(record), {}, succeeded):
                failures.append("DestinationDeliveryFailures")
        if policy.dead_letter is not None and not succeeded:
            attributes = _dead_letter_attributes(event, verdict)
            if not self._send(spec, policy.dead_letter, event.payload.decode(), attributes, succeeded):
                failures.append("DeadLetterErrors")
        return failures

    def _record(self, spec: FunctionSpec, event: Event, verdict: Verdict) -> dict[str, Any]:
        timestamp = self._cloud.clock.utcnow().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record: dict[str, Any] = {
            "version": "1.0",
            "timestamp": timestamp,
            "requestContext": {
                "requestId": event.request_id,
                "functionArn": f"{spec.function_arn}:{event.qualifier or LATEST}",
                "condition": verdict.condition,
                "approximateInvokeCount": event.attempts,
            },
            "requestPayload": json.loads(event.payload),
        }
        if verdict.response is not None:
            context = {"statusCode": 200, "executedVersion": spec.version}
            record["responseContext"] = context | ({"functionError": "Unhandled"} if verdict.response.failed else {})
            record["responsePayload"] = json.loads(verdict.response.payload or b"null")
        return record

    def _send(self, spec: FunctionSpec, target: str, body: str, attributes: dict[str, Any], succeeded: bool) -> bool:
        service, region, account, name = target.split(":")[2:6]
        clients = self._cloud.clients
        try:
            client = clients.as_role(spec.role, SERVICE_PRINCIPAL, spec.name, service, region=region)
            match service:
                case "sqs":
                    url = f"{self._cloud.endpoint}/{account}/{name}"
                    client.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
                case "sns":
                    client.publish(TopicArn=target, Message=body, MessageAttributes=attributes)
                case "lambda":
                    client.invoke(FunctionName=target, InvocationType="Event", Payload=body.encode())
                case "events":
                    client.put_events(Entries=[_entry(spec, target, body, succeeded)])
        except (BotoCoreError, ClientError) as error:
            print(f"{spec.name} could not send its outcome to {target}: {error}", file=sys.stderr, flush=True)
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


def _entry(spec: FunctionSpec, bus: str, body: str, succeeded: bool) -> dict[str, Any]:
    return {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {'Success' if succeeded else 'Failure'}",
        "Detail": body,
        "EventBusName": bus,
        "Resources": [bus, f"{spec.function_arn}:{spec.version}"],
    }
