"""Deliveries: workers that send, retries on the virtual clock, and dead-letter queues."""

import heapq
import itertools
import json
import queue
import sys
import threading
import traceback
from collections.abc import Callable
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
    """A message, when it was first due (virtual), and how many times it has been retried."""

    message: Message
    began: float
    retries: int = 0

    def numbered(self) -> Message:
        """The message, in which a schedule's input may name the attempt."""
        if self.message.sender.principal == EVENTS:
            return self.message
        return replace(self.message, body=self.message.body.replace(ATTEMPT_NUMBER, str(self.retries + 1)))


class Deliveries:
    """Everything on its way to a target. Nothing is lost silently: what no queue takes is said on stderr."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._later: list[tuple[float, int, Attempt]] = []
        self._order = itertools.count()
        self._lock = threading.Lock()

    def start(self) -> None:
        """The workers run until the process ends."""
        for number in range(_WORKERS):
            threading.Thread(target=self._work, name=f"eventbridge-{number}", daemon=True).start()

    def submit(self, prepare: Callable[[], Message], began: float) -> None:
        """The message that `prepare` makes will be sent by a worker."""
        self._jobs.put(lambda: self._attempt(Attempt(prepare(), began)))

    @property
    def waiting(self) -> int:
        """How many deliveries wait for another attempt."""
        return len(self._later)

    def release_due(self, now: float) -> None:
        """Retries whose time has come are with the workers."""
        with self._lock:
            while self._later and self._later[0][0] <= now:
                attempt = heapq.heappop(self._later)[2]
                self._jobs.put(lambda attempt=attempt: self._attempt(attempt))  # type: ignore[misc]

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
            except Exception:  # a worker outlives any one delivery
                traceback.print_exc()

    def _attempt(self, attempt: Attempt) -> None:
        try:
            send(self._cloud, attempt.numbered())
        except DeliveryFailed as failure:
            self._after_failure(attempt, failure)
        else:
            self._count(attempt.message, "Invocations")

    def _after_failure(self, attempt: Attempt, failure: DeliveryFailed) -> None:
        exhausted = _exhausted_condition(attempt, self._cloud.clock.now())
        if failure.retryable and exhausted is None:
            self._retry_later(attempt)
            return
        self._count(attempt.message, "Invocations", "FailedInvocations")
        self._bury(attempt, failure, exhausted if failure.retryable else None)

    def _retry_later(self, attempt: Attempt) -> None:
        delay = min(2.0**attempt.retries, _LONGEST_BACKOFF_SECONDS)
        again = Attempt(attempt.message, attempt.began, attempt.retries + 1)
        with self._lock:
            heapq.heappush(self._later, (self._cloud.clock.now() + delay, next(self._order), again))

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
        if message.sender.principal != EVENTS:
            return
        name = message.sender.source_arn.rsplit("/", 1)[-1]
        data = [
            {"MetricName": metric, "Dimensions": [{"Name": "RuleName", "Value": name}], "Value": 1.0, "Unit": "Count"}
            for metric in metrics
        ]
        self._cloud.put_metrics("AWS/Events", data, region=message.sender.source_arn.split(":")[3])


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
