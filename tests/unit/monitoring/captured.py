"""Captured traffic as SageMaker writes it."""

import base64
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

Row = dict[str, Any]


def json_lines(rows: Iterable[Row]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def direction(mode: str, body: str, content_type: str = "application/jsonlines", encoding: str = "JSON") -> Row:
    data = base64.b64encode(body.encode()).decode() if encoding == "BASE64" else body
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}


def line(event: str, at: datetime, request: Row, answer: Row) -> bytes:
    captured = {
        "captureData": {"endpointInput": request, "endpointOutput": answer},
        "eventMetadata": {"eventId": event, "inferenceTime": at.strftime("%Y-%m-%dT%H:%M:%SZ")},
        "eventVersion": "0",
    }
    return json.dumps(captured).encode() + b"\n"


def request_line(
    event: str, at: datetime, records: Sequence[Row], scores: Sequence[float], version: int | None = 1
) -> bytes:
    """A captured request of JSON Lines, whose answers name ``version``."""
    named = {} if version is None else {"version": version}
    answers = [{"id": r["row"], "score": s, "prediction": 0, **named} for r, s in zip(records, scores, strict=True)]
    return line(event, at, direction("INPUT", json_lines(records)), direction("OUTPUT", json_lines(answers)))


def capture_uri(at: datetime, name: str, endpoint: str = "trimtab-test-tiny") -> str:
    return f"s3://captures/tiny/capture/{endpoint}/main/{at:%Y/%m/%d/%H}/{at:%M-%S}-000-{name}.jsonl"
