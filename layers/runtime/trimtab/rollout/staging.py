"""What a staging endpoint is asked before a version may see traffic."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from trimtab.errors import DataError
from trimtab.measures import score_of
from trimtab.ports import Answer

TOLERANCE = 1e-6
"""Largest difference between a served score and the one that the evaluation computed."""
LATENCY_REQUESTS = 100
WARM_UP_REQUESTS = 5
BATCH = 50
"""Golden records sent in one request."""
BROKEN_BODIES = {
    "no record": b"",
    "not JSON": b"{broken\n",
    "not UTF-8": b'{"id": "\xff\xfe"}\n',
    "an array instead of an object": b"[1, 2, 3]\n",
    "an empty object": b"{}\n",
}
Send = Callable[[bytes], Answer]


@dataclass(frozen=True)
class Golden:
    """A record, and the score that the evaluation gave to it."""

    record: dict[str, Any]
    score: float


@dataclass(frozen=True)
class Check:
    """One thing that was tried, and what came of it."""

    name: str
    passed: bool
    message: str


def read_golden(body: bytes) -> list[Golden]:
    """The records of golden.jsonl. Raises DataError on an empty or unreadable file."""
    try:
        rows = [json.loads(line) for line in body.decode().splitlines() if line.strip()]
        golden = [Golden(dict(row["request"]), score_of(row["expected"])) for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"golden.jsonl cannot be read ({error!r}): run the evaluation again") from error
    if not golden:
        raise DataError("golden.jsonl holds no record, so staging cannot be tested: run the evaluation again")
    return golden


def lines(records: Sequence[dict[str, Any]]) -> bytes:
    """The body of a request: one JSON object a line."""
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def run_checks(send: Send, golden: Sequence[Golden], features: Sequence[str], max_latency_ms: float) -> list[Check]:
    """All checks, in the order of their cost. The endpoint has passed when every one has."""
    return [
        check_golden(send, golden),
        *(check_missing(send, golden[0], feature) for feature in features),
        *(check_broken(send, name, body) for name, body in BROKEN_BODIES.items()),
        check_latency(send, golden, max_latency_ms),
    ]


def check_golden(send: Send, golden: Sequence[Golden]) -> Check:
    """Passed when every record is answered with the score of the evaluation, within ``TOLERANCE``."""
    differences: list[float] = []
    for start in range(0, len(golden), BATCH):
        batch = golden[start : start + BATCH]
        answer = send(lines([each.record for each in batch]))
        scores = list(_scores(answer))
        if len(scores) != len(batch):
            return Check("golden", False, f"{len(batch)} records were answered with {_shown(answer)}")
        differences += [abs(score - each.score) for score, each in zip(scores, batch, strict=True)]
    worst = max(differences)
    passed = all(difference <= TOLERANCE for difference in differences)
    return Check("golden", passed, f"{len(golden)} records, largest difference of a score {worst:.3g}")


def _scores(answer: Answer) -> Iterator[float]:
    """Scores of an answer, one a line; none when it is no answer to records."""
    if answer.status != 200:
        return
    for line in answer.body.decode(errors="replace").splitlines():
        try:
            yield score_of(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            return


def check_missing(send: Send, golden: Golden, feature: str) -> Check:
    """Passed when a record without ``feature`` is refused as the caller's fault."""
    record = {name: value for name, value in golden.record.items() if name != feature}
    return _refusal(f"missing:{feature}", send(lines([record])))


def check_broken(send: Send, name: str, body: bytes) -> Check:
    """Passed when a body that is no record is refused as the caller's fault."""
    return _refusal(f"broken:{name}", send(body))


def _refusal(name: str, answer: Answer) -> Check:
    return Check(name, 400 <= answer.status < 500, f"answered with {_shown(answer)}")


def check_latency(send: Send, golden: Sequence[Golden], max_latency_ms: float) -> Check:
    """Passed when the 99th percentile of single-record requests is at most ``max_latency_ms`` and all are answered."""
    bodies = [lines([golden[number % len(golden)].record]) for number in range(LATENCY_REQUESTS)]
    for body in bodies[:WARM_UP_REQUESTS]:
        send(body)
    answers = [send(body) for body in bodies]
    failed = sum(answer.status != 200 for answer in answers)
    times = sorted(answer.latency_ms for answer in answers)
    p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
    message = (
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms of {len(times)} requests, {failed} failed; limit {max_latency_ms:g} ms"
    )
    return Check("latency", p99 <= max_latency_ms and not failed, message)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of values in ascending order; ``share`` is above 0 and at most 1."""
    return ordered[math.ceil(share * len(ordered)) - 1]


def _shown(answer: Answer) -> str:
    return f"HTTP {answer.status}: {answer.body[:160].decode(errors='replace')}"
