"""Evidence that production answers: one golden record, and what came back."""

import json
from typing import Any

from trimtab.ports import Endpoints, ObjectStore
from trimtab.rollout.staging import lines, read_golden


def prove(endpoints: Endpoints, objects: ObjectStore, endpoint: str, golden_uri: str) -> dict[str, Any]:
    """What ``endpoint`` was just asked, what it answered, and what it had to answer."""
    golden = read_golden(objects.read(golden_uri))[0]
    answer = endpoints.invoke(endpoint, lines([golden.record]))
    return {
        "request": json.dumps(golden.record)[:2000],
        "status": answer.status,
        "answer": answer.body.decode(errors="replace")[:500],
        "expected_score": golden.score,
        "latency_ms": round(answer.latency_ms, 1),
    }
