"""Retries on the virtual clock and dead-letter queues, against an SQS that fails as often as a test asks for."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from localcloud.clients import Clients
from localcloud.clock import Clock
from localcloud.cloud import Cloud
from localcloud.durability.durable import Durable
from localcloud.eventbridge.delivery import Deliveries
from localcloud.eventbridge.targets import EVENTS, Message, Sender

RULE = "arn:aws:events:us-east-1:123456789012:rule/r"
TARGET = "arn:aws:sqs:us-east-1:123456789012:target"
DEAD = "arn:aws:sqs:us-east-1:123456789012:dead"


@dataclass
class FailingSqs:
    """Answers the first `failures` sends to the target with 503, and keeps what it takes, by queue."""

    failures: int = 0
    taken: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: int = 0
    endpoint: str = ""

    def take(self, body: dict[str, Any]) -> int:
        name = str(body["QueueUrl"]).rsplit("/", 1)[-1]
        self.asked += name == "target"
        if name == "target" and self.asked <= self.failures:
            return 503
        self.taken.setdefault(name, []).append(body)
        return 200


@pytest.fixture
def sqs() -> Iterator[FailingSqs]:
    state = FailingSqs()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = state.take(body)
            answer = {"MessageId": "m"} if status == 200 else {"__type": "ServiceUnavailable", "message": "try later"}
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_arguments: Any) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()


@dataclass
class Post:
    clock: Clock
    deliveries: Deliveries

    def send(self, **target: Any) -> None:
        message = Message({"Arn": TARGET, **target}, "body", {"id": "e"}, Sender(EVENTS, RULE))
        self.deliveries.submit(message, self.clock.now())

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.deliveries.release_due(self.clock.now())

    def after(self, seconds: float) -> bool:
        self.pass_time(seconds)
        return True


@pytest.fixture
def post(sqs: FailingSqs, tmp_path: Path) -> Post:
    clock = Clock()
    cloud = SimpleNamespace(
        clock=clock,
        clients=Clients(sqs.endpoint, "us-east-1"),
        endpoint=sqs.endpoint,
        durable=Durable(tmp_path, "any"),
        put_metrics=lambda *_arguments, **_keywords: None,
    )
    deliveries = Deliveries(cast(Cloud, cloud))
    deliveries.start()
    return Post(clock, deliveries)


def eventually(holds: Any) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_target_that_is_unavailable_is_tried_again_with_growing_delays(sqs: FailingSqs, post: Post) -> None:
    sqs.failures = 2
    post.send()
    for asked, delay in ((1, 1.0), (2, 2.0)):
        eventually(lambda: post.deliveries.waiting == 1)
        assert sqs.asked == asked
        post.pass_time(delay - 0.5)
        assert post.deliveries.waiting == 1
        post.pass_time(0.5)
    eventually(lambda: "target" in sqs.taken)
    assert (sqs.asked, sqs.taken["target"][0]["MessageBody"]) == (3, "body")


def test_after_the_last_attempt_the_event_is_in_the_dead_letter_queue(sqs: FailingSqs, post: Post) -> None:
    sqs.failures = 99
    post.send(RetryPolicy={"MaximumRetryAttempts": 1}, DeadLetterConfig={"Arn": DEAD})
    eventually(lambda: sqs.asked == 1)
    eventually(lambda: post.after(10) and "dead" in sqs.taken)
    attributes = {k: v["StringValue"] for k, v in sqs.taken["dead"][0]["MessageAttributes"].items()}
    assert (attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]) == ("ERROR_FROM_TARGET", "1")
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert sqs.asked == 2


def test_an_event_that_is_too_old_is_not_tried_again(sqs: FailingSqs, post: Post) -> None:
    sqs.failures = 99
    post.send(RetryPolicy={"MaximumEventAgeInSeconds": 60}, DeadLetterConfig={"Arn": DEAD})
    eventually(lambda: sqs.asked == 1)
    eventually(lambda: post.after(100) and "dead" in sqs.taken)
    attributes = sqs.taken["dead"][0]["MessageAttributes"]
    assert attributes["EXHAUSTED_RETRY_CONDITION"]["StringValue"] == "MaximumEventAgeInSeconds"
