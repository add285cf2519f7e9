"""Deliveries: workers that send, retries on the virtual clock, and dead-letter queues."""

import heapq
import json
import queue
import sys
import threading
import traceback
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloud import Cloud
from localcloud.eventbridge.targets import EVENTS, DeliveryFailed, Message, dead_letter_client, send

ATTEMPT_NUMBER: Final = "<aws.scheduler.attempt-number>"
_WORKERS: Final = 8
_DEFAULT_ATTEMPTS: Final = 185
_DEFAULT_AGE_SECONDS: Final = 86400
_LONGEST_BACKOFF_SECONDS: Final = 480
_LONGEST_ERROR_MESSAGE: Final = 1000


@dataclass(frozen=True)
class Attempt:
    """A message, when it was first due and when it is due now (virtual), and how often it has been retried."""

    message: Message
    began: float
    due: float
    retries: int = 0

    def numbered(self) -> Message:
        """The message, in which a schedule's input may name the attempt."""
        if self.message.sender.principal == EVENTS:
            return self.message
        return replace(self.message, body=self.message.body.replace(ATTEMPT_NUMBER, str(self.retries + 1)))

    def next(self, now: float) -> "Attempt":
        """The following attempt, after a wait that doubles each time."""
        due = now + min(2.0**self.retries, _LONGEST_BACKOFF_SECONDS)
        return replace(self, due=due, retries=self.retries + 1)


class Deliveries:
    """Everything on its way to a target. Nothing is lost silently: what no queue takes is said on stderr."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._pending: dict[str, Attempt] = {}
        self._ready: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._later: list[tuple[float, str]] = []
        self._lock = threading.Lock()
        self._kept = cloud.durable.keep("eventbridge.deliveries", dump=self._pending.get, load=self._load)
        cloud.durable.on_restart(self._resume)

    def _load(self, attempt: Attempt, key: str) -> None:
        self._pending[key] = attempt

    def _resume(self) -> None:
        for key, attempt in list(self._pending.items()):
            self._put(key, attempt)

    def start(self) -> None:
        """The workers run until the process ends."""
        for number in range(_WORKERS):
            threading.Thread(target=self._work, name=f"eventbridge-{number}", daemon=True).start()

    def submit(self, message: Message, due: float) -> None:
        """A worker will send the message when it is due."""
        self._put(uuid.uuid4().hex, Attempt(message, due, due))

    @property
    def waiting(self) -> int:
        """How many deliveries wait for their time."""
        return len(self._later)

    def release_due(self, now: float) -> None:
        """What waited and is due by now is with the workers."""
        with self._lock:
            while self._later and self._later[0][0] <= now:
                self._ready.put(heapq.heappop(self._later)[1])

    def _put(self, key: str, attempt: Attempt) -> None:
        with self._lock:
            self._pending[key] = attempt
            self._kept.changed(key)
            if attempt.due <= self._cloud.clock.now():
                self._ready.put(key)
            else:
                heapq.heappush(self._later, (attempt.due, key))

    def _work(self) -> None:
        while True:
            key = self._ready.get()
            try:
                self._attempt(key, self._pending[key])
            except Exception:  # a worker outlives any one delivery
                traceback.print_exc()

    def _attempt(self, key: str, attempt: Attempt) -> None:
        try:
            send(self._cloud, attempt.numbered())
        except DeliveryFailed as failure:
            now = self._cloud.clock.now()
            exhausted = _exhausted_condition(attempt, now)
            if failure.retryable and exhausted is None:
                self._put(key, attempt.next(now))
                return
            self._count(attempt.message, "Invocations", "FailedInvocations")
            self._bury(attempt, failure, exhausted if failure.retryable else None)
        else:
            self._count(attempt.message, "Invocations")
        del self._pending[key]
        self._kept.changed(key)

    def _bury(self, attempt: Attempt, failure: DeliveryFailed, exhausted: str | None) -> None:
        message = attempt.message
        arn = (message.target.get("DeadLetterConfig") or {}).get("Arn")
        if not arn:
            _say_lost(message, failure)
            return
        queue_region, account, name = arn.split(":")[3:6]
        attributes = _attributes(attempt, failure, exhausted)
        try:
            dead_letter_client(self._cloud, message, queue_region).send_message(
                QueueUrl=f"{self._cloud.endpoint}/{account}/{name}",
                MessageBody=json.dumps(message.event) if message.sender.principal == EVENTS else message.body,
                MessageAttributes={
                    key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()
                },
            )
        except (ClientError, BotoCoreError) as error:
            _say_lost(message, failure)
            print(f"and its dead-letter queue {arn} did not take it: {error}", file=sys.stderr, flush=True)
        else:
            self._count(message, "InvocationsSentToDlq")

    def _count(self, message: Message, *metrics: str) -> None:
        if message.sender.principal == EVENTS:
            name, region = message.sender.source_arn.rsplit("/", 1)[-1], message.sender.source_arn.split(":")[3]
            self._cloud.put_metrics("AWS/Events", list(_data(metrics, name)), region=region)


def _data(metrics: Iterable[str], rule: str) -> Iterable[dict[str, Any]]:
    for metric in metrics:
        dimensions = [{"Name": "RuleName", "Value": rule}]
        yield {"MetricName": metric, "Dimensions": dimensions, "Value": 1.0, "Unit": "Count"}


def _exhausted_condition(attempt: Attempt, now: float) -> str | None:
    policy: dict[str, Any] = attempt.message.target.get("RetryPolicy") or {}
    if attempt.retries >= policy.get("MaximumRetryAttempts", _DEFAULT_ATTEMPTS):
        return "MaximumRetryAttempts"
    if now - attempt.began >= policy.get("MaximumEventAgeInSeconds", _DEFAULT_AGE_SECONDS):
        return "MaximumEventAgeInSeconds"
    return None


def _attributes(attempt: Attempt, failure: DeliveryFailed, exhausted: str | None) -> dict[str, str]:
    message = attempt.message
    common = {
        "TARGET_ARN": message.target["Arn"],
        "ERROR_CODE": failure.code,
        "ERROR_MESSAGE": str(failure)[:_LONGEST_ERROR_MESSAGE],
        "RETRY_ATTEMPTS": str(attempt.retries),
    }
    if exhausted:
        common["EXHAUSTED_RETRY_CONDITION"] = exhausted
    if message.sender.principal == EVENTS:
        return {"RULE_ARN": message.sender.source_arn, **common}
    return {
        "SCHEDULE_ARN": message.sender.source_arn,
        "SCHEDULED_TIME": message.event["time"],
        "EXECUTION_ID": message.event["id"],
        "IS_PAYLOAD_TRUNCATED": "false",
        **common,
    }


def _say_lost(message: Message, failure: DeliveryFailed) -> None:
    print(
        f"{message.sender.source_arn} could not reach {message.target['Arn']} ({failure.code}): {failure}. "
        "The event is lost; give the target a DeadLetterConfig to keep such events.",
        file=sys.stderr,
        flush=True,
    )
