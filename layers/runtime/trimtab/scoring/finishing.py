"""What a batch came to: its rows counted, and some of them laid where captured requests lie."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trimtab.errors import DataError
from trimtab.names import BATCH_EVENT
from trimtab.ports import ObjectStore

"""Kind of the ledger's entry about a batch that ended well; its subject is the batch."""
ANSWER = "SageMakerOutput"
"""Key under which SageMaker joins an answer to its record."""
PER_EVENT = 50
"""Records of one captured event."""
_JSON_LINES = "application/jsonlines"


@dataclass
class Tally:
    """Scored rows, and an even sample of them: reservoir sampling (Vitter's algorithm R), the same for the same id."""

    limit: int
    seed: str
    files: int = 0
    rows: int = 0
    sample: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def add(self, line: bytes) -> None:
        """One more row."""
        self.rows += 1
        if len(self.sample) < self.limit:
            self.sample.append(line)
        elif self.limit and (place := self._random.randrange(self.rows)) < self.limit:
            self.sample[place] = line


def tally(objects: ObjectStore, output_uri: str, limit: int, seed: str) -> Tally:
    """Of all that the job has written below ``output_uri``."""
    counted = Tally(limit, seed)
    for each in objects.list(f"{output_uri}/"):
        counted.files += 1
        with objects.open(each.uri) as lines:
            for line in lines:
                if line.strip():
                    counted.add(line)
    return counted


def as_captured(sample: list[bytes], batch: str, at: datetime) -> bytes:
    """The rows in the form of SageMaker's data capture, so that they are windowed, joined and measured like requests.

    Raises DataError when a row is no record joined with its answer.
    """
    events = (_event(sample[start : start + PER_EVENT], batch, start, at) for start in range(0, len(sample), PER_EVENT))
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def capture_place(batch: str, at: datetime) -> str:
    """Where below the variant's folder the rows lie: SageMaker's layout, by the hour."""
    return f"{at:%Y/%m/%d/%H/%M-%S}-000-{batch}.jsonl"


def _event(lines: list[bytes], batch: str, start: int, at: datetime) -> dict[str, Any]:
    records, answers = zip(*_pairs(lines), strict=True)
    return {
        "captureData": {
            "endpointInput": _direction("INPUT", list(records)),
            "endpointOutput": _direction("OUTPUT", list(answers)),
        },
        "eventMetadata": {
            "eventId": f"{BATCH_EVENT}{batch}-{start}",
            "inferenceTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "eventVersion": "0",
    }


def _pairs(lines: list[bytes]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for line in lines:
        row = json.loads(line)
        if not isinstance(row, dict) or not isinstance(row.get(ANSWER), dict):
            raise DataError(f"a scored row is no record with {ANSWER}: {line[:200]!r}")
        yield {name: value for name, value in row.items() if name != ANSWER}, row[ANSWER]


def _direction(mode: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    data = "".join(json.dumps(row) + "\n" for row in rows)
    return {"observedContentType": _JSON_LINES, "mode": mode, "data": data, "encoding": "JSON"}
