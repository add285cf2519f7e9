"""Evidence that production answers: one golden record, and what came back."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trimtab.names import SYNTHETIC
from trimtab.ports import Answer, Endpoints, ObjectStore
from trimtab.rollout.staging import lines, read_golden
from trimtab.spec.rollout import RolloutSpec

PROOF = f"{SYNTHETIC}proof"
"""Inference id of the request: it is no traffic."""
WAITING = 202
"""Status of an answer that has not come."""
LOOKS, BETWEEN_S = 20, 1.5
"""How often, and how far apart, the answer of an asynchronous endpoint is looked for."""


@dataclass(frozen=True)
class Queue:
    """How an asynchronous endpoint is asked: a request lies in S3, and its answer comes there."""

    endpoints: Endpoints
    objects: ObjectStore
    requests_uri: str
    """Folder of requests, without a slash at its end."""
    wait: Callable[[float], None]

    def ask(self, endpoint: str, body: bytes) -> Answer:
        """The answer; one of status 202 says that none has come in half a minute."""
        request = f"{self.requests_uri}/proof.jsonl"
        self.objects.write(request, body, "application/jsonlines")
        later = self.endpoints.invoke_later(endpoint, request, PROOF)
        for look in range(LOOKS):
            for status, uri in ((200, later.answer_uri), (500, later.failure_uri)):
                if uri and self.objects.head(uri):
                    return Answer(status, self.objects.read(uri), look * BETWEEN_S * 1000)
            self.wait(BETWEEN_S)
        return Answer(WAITING, b"accepted, and not answered yet", LOOKS * BETWEEN_S * 1000)


def queue_of(
    rollout: RolloutSpec, endpoints: Endpoints, objects: ObjectStore, requests_uri: str, wait: Callable[[float], None]
) -> Queue | None:
    """How production is asked by its queue; None when it answers at once."""
    return Queue(endpoints, objects, requests_uri, wait) if rollout.endpoint.kind == "async" else None


def prove(
    endpoints: Endpoints, objects: ObjectStore, endpoint: str, golden_uri: str, queue: Queue | None = None
) -> dict[str, Any]:
    """What ``endpoint`` was just asked, what it answered, and what it had to answer; by ``queue`` where it has one."""
    golden = read_golden(objects.read(golden_uri))[0]
    body = lines([golden.record])
    answer = queue.ask(endpoint, body) if queue else endpoints.invoke(endpoint, body, inference_id=PROOF)
    return {
        "request": json.dumps(golden.record)[:2000],
        "status": answer.status,
        "answer": answer.body.decode(errors="replace")[:500],
        "expected_score": golden.score,
        "latency_ms": round(answer.latency_ms, 1),
    }
