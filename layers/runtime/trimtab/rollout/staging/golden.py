"""Golden records: rows of the hold-out that must be answered with the score of the evaluation."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from trimtab.errors import DataError
from trimtab.measures import score_of
from trimtab.ports import Answer
from trimtab.rollout.staging.checks import Check, Probe, shown

TOLERANCE = 1e-6
"""Largest difference between a served score and the one that the evaluation computed."""
BATCH = 50
"""Golden records sent in one request."""


@dataclass(frozen=True)
class Golden:
    """A record, and the score that the evaluation gave to it."""

    record: dict[str, Any]
    score: float
    id: Any = None
    """What the answer calls the record; None when it names none."""


def read_golden(body: bytes) -> list[Golden]:
    """The records of golden.jsonl. Raises DataError on an empty or unreadable file."""
    try:
        rows = [json.loads(line) for line in body.decode().split("\n") if line.strip()]
        golden = [Golden(dict(r["request"]), score_of(r["expected"]), r["expected"].get("id")) for r in rows]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"golden.jsonl cannot be read ({error!r}): run the evaluation again") from error
    if not golden:
        raise DataError("golden.jsonl holds no record, so staging cannot be tested: run the evaluation again")
    return golden


def lines(records: Sequence[dict[str, Any]]) -> bytes:
    """The body of a request: one JSON object a line."""
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def check_golden(probe: Probe, golden: Sequence[Golden]) -> Check:
    """Passed when every record is answered in its place, with the score of the evaluation within ``TOLERANCE``."""
    worst = 0.0
    for start in range(0, len(golden), BATCH):
        batch = golden[start : start + BATCH]
        answer = probe.ask(lines([each.record for each in batch]))
        wrong, difference = compared(answer, batch)
        if wrong:
            return Check("golden", False, wrong)
        worst = max(worst, difference)
    message = f"{len(golden)} records, largest difference of a score {worst:.3g}"
    return Check("golden", True, message, {"records": len(golden), "largest_difference": worst})


def compared(answer: Answer, asked: Sequence[Golden]) -> tuple[str, float]:
    """What is wrong with the answer to records, empty when nothing is; and the largest difference of a score."""
    answered = list(_answers(answer))
    if len(answered) != len(asked):
        return f"{len(asked)} records were answered with {shown(answer)}", 0.0
    for (id, _), golden in zip(answered, asked, strict=True):
        if golden.id is not None and id != golden.id:
            return f"the record {golden.id!r} got the answer of {id!r}", 0.0
    differences = [abs(score - golden.score) for (_, score), golden in zip(answered, asked, strict=True)]
    if not all(difference <= TOLERANCE for difference in differences):
        return f"{len(asked)} records, largest difference of a score {max(differences):.3g}", max(differences)
    return "", max(differences)


def _answers(answer: Answer) -> Iterator[tuple[Any, float]]:
    """(id, score) of each line; none when it is no answer to records."""
    if answer.status != 200:
        return
    for line in answer.body.decode(errors="replace").split("\n"):
        try:
            row = json.loads(line)
            yield row.get("id"), score_of(row)
        except (ValueError, KeyError, TypeError, AttributeError):
            return
