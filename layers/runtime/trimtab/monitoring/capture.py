"""SageMaker's data capture decoded: one line is one request, which may carry many records.

Source: SageMaker developer guide, "Capture data from real-time endpoint". A line holds the request and the answer as
text (CSV, JSON) or base64, and metadata with the event's id and time, but neither endpoint config nor version. So
Trimtab's answers name the version of the model that gave them.
"""

import base64
import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trimtab.errors import DataError
from trimtab.measures import score_of
from trimtab.names import SYNTHETIC
from trimtab.spec import DataSpec

Record = dict[str, Any]
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, csv.Error)
"""What is raised for a line that is no capture: nested too deeply, a number or a field too long, a name that lacks."""


@dataclass(frozen=True)
class Event:
    """One captured request, decoded: a record and an answer for each of its rows."""

    id: str
    time: datetime
    records: Sequence[Record]
    answers: Sequence[Record]
    """With ``score`` and, where the model says so, ``prediction`` and ``version``."""
    is_text: bool
    """The records came as CSV, so every value is text."""
    is_synthetic: bool = False
    """Trimtab itself has asked, to compare versions: no traffic."""


def decode_lines(lines: Iterable[bytes], data: DataSpec) -> Iterator[Event | DataError]:
    """An event for each line that is not blank, or the DataError that says why it cannot be read."""
    for line in lines:
        if line.strip():
            try:
                yield decode_line(line, data)
            except DataError as error:
                yield error


def distinct(events: Iterable[Event]) -> Iterator[Event]:
    """Each event once, by its id, although it was captured into two files."""
    seen: set[str] = set()
    for event in events:
        if event.id not in seen:
            seen.add(event.id)
            yield event


def traffic(events: Iterable[Event]) -> Iterator[Event]:
    """Events without Trimtab's own requests."""
    return (event for event in events if not event.is_synthetic)


def decode_line(line: bytes, data: DataSpec) -> Event:
    """The event of one captured line. Raises DataError."""
    try:
        event = _event(json.loads(line), data)
    except _UNREADABLE as error:
        raise DataError(f"a captured line cannot be read ({error!r})") from error
    if len(event.records) != len(event.answers):
        counts = f"{len(event.records)} records, {len(event.answers)} answers"
        raise DataError(f"captured event {event.id}: {counts}")
    return event


def _event(captured: Any, data: DataSpec) -> Event:
    """Raises one of the errors by which a line cannot be read."""
    metadata, bodies = captured["eventMetadata"], captured["captureData"]
    records, is_text = _request(bodies["endpointInput"], data)
    moment = datetime.fromisoformat(metadata["inferenceTime"])
    return Event(
        id=str(metadata["eventId"]),
        time=moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC),
        records=records,
        answers=_answers(bodies["endpointOutput"]),
        is_text=is_text,
        is_synthetic=str(metadata.get("inferenceId", "")).startswith(SYNTHETIC),
    )


def _body(direction: Record) -> str:
    """The text of a request or answer, whatever its encoding."""
    content = direction["data"]
    if direction.get("encoding") == "BASE64":
        return base64.b64decode(content, validate=True).decode()
    return content if isinstance(content, str) else json.dumps(content)


def _is_csv(direction: Record) -> bool:
    media_type = str(direction.get("observedContentType", "")).partition(";")[0].strip().lower()
    return direction.get("encoding") == "CSV" or media_type == "text/csv"


def _request(direction: Record, data: DataSpec) -> tuple[list[Record], bool]:
    body = _body(direction)
    if not _is_csv(direction):
        return list(_json_records(body)), False
    columns = [data.id, *data.features]
    return [_named(row, columns) for row in csv.reader(io.StringIO(body)) if row], True


def _named(row: list[str], columns: list[str]) -> Record:
    """A CSV row by the names of the contract: the id, then the features in their order."""
    if len(row) != len(columns):
        raise ValueError(f"a CSV record has {len(row)} values, expected {len(columns)}: id and features")
    return dict(zip(columns, row, strict=True))


def _json_records(body: str) -> Iterator[Record]:
    """Objects of a JSON Lines body, of a JSON array, or the one object that a body is."""
    documents: Any = [json.loads(line) for line in body.split("\n") if line.strip()]
    if len(documents) == 1 and isinstance(documents[0], list):
        documents = documents[0]
    for document in documents:
        if not isinstance(document, dict):
            raise ValueError(f"a record is {type(document).__name__}, not an object")
        yield document


def _answers(direction: Record) -> list[Record]:
    body = _body(direction)
    if not _is_csv(direction):
        return [answer | {"score": score_of(answer)} for answer in _json_records(body)]
    return [_scored(row) for row in csv.reader(io.StringIO(body)) if row]


def _scored(row: list[str]) -> Record:
    """A CSV answer: the score alone, or id, score and prediction."""
    if len(row) == 1:
        return {"score": float(row[0])}
    return {"score": float(row[1]), "prediction": row[2] if len(row) > 2 else None}
