"""SQS queues as event sources: messages are received in batches, run by the function, and deleted when it took them.

Source: AWS Lambda developer guide, "Using Lambda with Amazon SQS". Unlike on AWS messages stay visible in the queue
while a batching window is open, and at most five batches of a mapping run at once unless it says otherwise.
"""

import json
import sys
import threading
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.eventbridge import pattern
from localcloud.lambda_.asynchronous import Event
from localcloud.lambda_.concurrency import Throttled
from localcloud.lambda_.functions import Functions
from localcloud.lambda_.launch import SERVICE_PRINCIPAL

MOST_AT_ONCE = 10  # messages in one call of SQS
DEFAULT_CONCURRENCY = 5
_POLL_SECONDS = 0.05
_THREADS = 32
_RETRY_SECONDS = 1.0


def record(message: dict[str, Any], queue_arn: str) -> dict[str, Any]:
    """A message as ReceiveMessage gives it, as the function sees it."""
    seen = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {k: _attribute(v) for k, v in message.get("MessageAttributes", {}).items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }
    if "MD5OfMessageAttributes" in message:
        seen["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return seen


def passes(seen: dict[str, Any], criteria: dict[str, Any] | None) -> bool:
    """Whether one of the filters lets a record in; without filters all come in."""
    patterns = [json.loads(one["Pattern"]) for one in (criteria or {}).get("Filters") or []]
    return not patterns or any(_matches(seen, wanted) for wanted in patterns)


def failed_ids(payload: bytes, sent: set[str]) -> set[str]:
    """The messages that a function reports as failed (ReportBatchItemFailures); all, when its answer makes no sense."""
    try:
        failures = (json.loads(payload) or {}).get("batchItemFailures") or []
        failed = {failure["itemIdentifier"] for failure in failures}
    except (ValueError, AttributeError, KeyError, TypeError):
        return sent
    return failed if failed <= sent else sent


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    kinds = {"StringValue": "stringValue", "BinaryValue": "binaryValue", "DataType": "dataType"}
    given = {name: value[kind] for kind, name in kinds.items() if kind in value}
    return given | {"stringListValues": [], "binaryListValues": []}


def _matches(seen: dict[str, Any], wanted: dict[str, Any]) -> bool:
    body: Any = seen["body"]
    if isinstance(wanted.get("body"), dict):  # it asks for fields, so the body has to be JSON
        try:
            body = json.loads(body)
        except ValueError:
            return False
    return pattern.matches(seen | {"body": body}, wanted)


class EventSources:
    """Looks at the queues of all mappings twenty times a second, in moto's records, and runs what waits there."""

    def __init__(self, cloud: Cloud, functions: Functions) -> None:
        self._cloud = cloud
        self._functions = functions
        self._running: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._since: dict[str, float] = {}
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="lambda-sqs")

    def start(self) -> None:
        """The queues are looked at until the cloud stops."""
        threading.Thread(target=self._poll_for_ever, name="lambda-event-sources", daemon=True).start()

    def _poll_for_ever(self) -> None:
        while not self._cloud.stopping.wait(_POLL_SECONDS):
            for mapping in _mappings(self._cloud.account):
                try:
                    self._poll(mapping)
                except Exception:  # one bad mapping must not stop the others for good
                    traceback.print_exc()

    def _poll(self, mapping: Any) -> None:
        waiting = _waiting(self._cloud.account, mapping) if mapping.enabled else 0
        if not waiting:
            self._since.pop(mapping.uuid, None)
            return
        now = self._cloud.clock.now()
        since = self._since.setdefault(mapping.uuid, now)
        if waiting < mapping.batch_size and now < since + (mapping.max_batch_window or 0):
            return
        limit = (mapping.scaling_config or {}).get("MaximumConcurrency") or DEFAULT_CONCURRENCY
        if self._running[mapping.uuid] < limit:
            del self._since[mapping.uuid]
            self._count(mapping, 1)
            self._pool.submit(self._run, mapping)

    def _run(self, mapping: Any) -> None:
        try:
            self._run_batch(mapping)
        except ClientError as error:
            print(f"The queue {mapping.event_source_arn} cannot be polled: {error}", file=sys.stderr, flush=True)
            self._cloud.stopping.wait(_RETRY_SECONDS)
        except Exception:  # a thread of the pool would swallow it
            traceback.print_exc()
        finally:
            self._count(mapping, -1)

    def _count(self, mapping: Any, change: int) -> None:
        with self._counting:
            self._running[mapping.uuid] += change

    def _run_batch(self, mapping: Any) -> None:
        arn = mapping.event_source_arn
        region, account, name = arn.split(":")[3:6]
        spec = self._functions.find(mapping.region, mapping.function_arn).spec
        sqs = self._cloud.clients.as_role(spec.role, SERVICE_PRINCIPAL, spec.name, "sqs", region=region)
        url = f"{self._cloud.endpoint}/{account}/{name}"
        records = [record(message, arn) for message in _receive(sqs, url, mapping.batch_size)]
        wanted = [one for one in records if passes(one, mapping.filter_criteria)]
        kept = self._invoke(mapping, wanted) if wanted else set()
        _delete(sqs, url, [one for one in records if one["messageId"] not in kept])

    def _invoke(self, mapping: Any, records: list[dict[str, Any]]) -> set[str]:
        """The ids of the messages that stay in the queue. A throttled batch is tried again while it is hidden there,
        which is counted in real time."""
        sent = {one["messageId"] for one in records}
        payload = json.dumps({"Records": records}).encode()
        now = self._cloud.clock.now()
        event = Event(mapping.region, mapping.function_arn, None, payload, str(uuid.uuid4()), None, now)
        deadline = time.monotonic() + queue_record(self._cloud.account, mapping.event_source_arn).visibility_timeout
        while time.monotonic() < deadline:
            try:
                response = self._functions.invoke_event(event)
            except Throttled:
                self._cloud.stopping.wait(_RETRY_SECONDS)
                continue
            if response.failed:
                return sent
            reports = "ReportBatchItemFailures" in (mapping.function_response_types or [])
            return failed_ids(response.payload, sent) if reports else set()
        return sent


def _mappings(account: str) -> list[Any]:
    from moto.awslambda.models import lambda_backends

    backends = list(lambda_backends[account].values())
    return [mapping for backend in backends for mapping in list(backend._event_source_mappings.values())]


def queue_record(account: str, arn: str) -> Any:
    """moto's record of a queue, None when there is none."""
    from moto.sqs.models import sqs_backends

    region, _, name = arn.split(":")[3:6]
    return sqs_backends[account][region].queues.get(name)


def _waiting(account: str, mapping: Any) -> int:
    queue = queue_record(account, mapping.event_source_arn)
    return 0 if queue is None else sum(one.visible and not one.delayed for one in list(queue._messages))


def _receive(sqs: Any, url: str, count: int) -> Iterator[dict[str, Any]]:
    while count > 0:
        messages = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(count, MOST_AT_ONCE),
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        yield from messages
        count = count - len(messages) if messages else 0


def _delete(sqs: Any, url: str, records: list[dict[str, Any]]) -> None:
    for start in range(0, len(records), MOST_AT_ONCE):
        part: Iterable[dict[str, Any]] = records[start : start + MOST_AT_ONCE]
        entries = [{"Id": str(n), "ReceiptHandle": one["receiptHandle"]} for n, one in enumerate(part)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
