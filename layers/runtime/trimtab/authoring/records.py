"""The serving contract: JSON Lines in, JSON Lines out, and a clear refusal of anything else."""

import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import MAXYEAR, MINYEAR, datetime
from typing import TYPE_CHECKING, Any

from trimtab.authoring.contract import Contract, Feature

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

JSON_LINES = "application/jsonlines"
MEDIA_TYPES = (JSON_LINES, "application/json")
LARGEST = sys.float_info.max
"""Beyond it a number's text means infinity, or an integer that no column holds."""
MANY = 32
"""Records from which on they are checked by columns."""
Record = dict[str, Any]


class RequestRefused(Exception):
    """Raised when the caller is at fault; ``status`` is the HTTP status to answer with."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.status = message, status


def check_media_types(content_type: str | None, accept: str | None) -> None:
    """The request is in a form that is understood. Raises RequestRefused with 415 or 406."""
    if media_type(content_type) not in MEDIA_TYPES:
        raise RequestRefused(f"content type {content_type!r} is not served: send {JSON_LINES}", 415)
    wanted = {media_type(part) for part in (accept or "*/*").split(",")}
    if not wanted & {*MEDIA_TYPES, "*/*", "application/*"}:
        raise RequestRefused(f"the answer is {JSON_LINES}, which Accept: {accept} rules out", 406)


def media_type(header: str | None) -> str:
    """The header's media type without parameters; JSON Lines when there is none."""
    return (header or JSON_LINES).partition(";")[0].strip().lower()


def read_records(body: bytes | str, contract: Contract) -> list[Record]:
    """One record a line, each holding every feature with a value of its type. Raises RequestRefused."""
    checks = [(feature, CHECKS[feature.type]) for feature in contract.features]
    records = [_parse(line, number) for number, line in _lines(body)]
    if not records:
        raise RequestRefused("the body holds no record: send one JSON object a line")
    if len(records) < MANY or not _fit_at_sight(records, contract):
        for number, record in enumerate(records, start=1):
            _check(record, number, contract.id, checks)
    return records


def _lines(body: bytes | str) -> Iterable[tuple[int, str]]:
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
    except UnicodeDecodeError as error:
        raise RequestRefused(f"the body is not UTF-8: {error}") from error
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


def _parse(line: str, number: int) -> Record:
    try:
        record = DECODER.decode(line)
    except (ValueError, RecursionError) as error:
        raise RequestRefused(f"line {number} is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise RequestRefused(f"line {number} is {type(record).__name__}, not an object")
    return record


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number; send null")


DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _fit_at_sight(records: Sequence[Record], contract: Contract) -> bool:
    """Whether all records are plainly right, told a column at a time; False where each has to be looked at."""
    try:
        plain = all(PLAIN[feature.type]([record[feature.name] for record in records]) for feature in contract.features)
        return plain and all(record[contract.id] is not None for record in records)
    except KeyError:
        return False


Check = Callable[[Any], bool]


def _check(record: Record, number: int, id_column: str, checks: list[tuple[Feature, Check]]) -> None:
    if record.get(id_column) is None:
        raise RequestRefused(f"line {number} has no '{id_column}'")
    for feature, fits in checks:
        if feature.name not in record:
            raise RequestRefused(f"line {number} has no '{feature.name}'")
        value = record[feature.name]
        if value is None and feature.nullable:
            continue
        if not fits(value):
            found = json.dumps(value)[:40]
            raise RequestRefused(f"line {number}, '{feature.name}': expected {feature.type}, found {found}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_integer(value: Any) -> bool:
    return _is_number(value) and value == int(value) and abs(value) < 2**63


def _is_timestamp(value: Any) -> bool:
    """Of a year that has all of its days in every zone."""
    try:
        return isinstance(value, str) and MINYEAR < datetime.fromisoformat(value).year < MAXYEAR
    except ValueError:
        return False


CHECKS: dict[str, Check] = {
    "integer": _is_integer,
    "number": _is_number,
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "timestamp": _is_timestamp,
}


PLAIN: dict[str, Callable[[list[Any]], bool]] = {
    "integer": lambda values: {*map(type, values)} == {int} and max(values) < 2**63 and min(values) > -(2**63),
    "number": lambda values: {*map(type, values)} <= {int, float} and max(map(abs, values)) <= LARGEST,
    "string": lambda values: {*map(type, values)} == {str},
    "boolean": lambda values: {*map(type, values)} == {bool},
    "timestamp": lambda values: all(map(_is_timestamp, values)),
}
"""The same of many values at once, for those that need no second look."""


def to_table(records: Sequence[Record], contract: Contract) -> "pd.DataFrame":
    """The records' features as the model saw them at training."""
    return contract.conform({name: [record[name] for record in records] for name in contract.names})


def to_arrays(records: Sequence[Record], contract: Contract) -> "dict[str, np.ndarray[Any, Any]]":
    """The same as arrays by name."""
    return contract.arrays({name: [record[name] for record in records] for name in contract.names})


def write_answers(records: Sequence[Record], scores: Any, contract: Contract, version: int | None = None) -> str:
    """One line a record: its id, what the model says, and the version that answered where it is known.

    Binary and regression: ``score``, the probability of 1 or the value; ``scores`` has shape (n,). Multiclass:
    ``label``, the most likely class, and ``scores``, the probability of each; (n, classes).
    """
    answered_by = {} if version is None else {"version": version}
    if contract.problem != "multiclass":
        ends = f', "version": {version}}}\n' if answered_by else "}\n"
        pairs = zip(records, scores.tolist(), strict=True)
        return "".join(
            [f'{{"id": {_text(record[contract.id])}, "score": {_text(each)}{ends}' for record, each in pairs]
        )
    said = _classes_said(scores, contract)
    rows = ({"id": record[contract.id], **each, **answered_by} for record, each in zip(records, said, strict=True))
    return "".join(json.dumps(row) + "\n" for row in rows)


def _text(value: Any) -> str:
    """``json.dumps``, several times as fast for a number."""
    kind = type(value)
    if kind is float and math.isfinite(value):
        return float.__repr__(value)
    return str(value) if kind is int else json.dumps(value)


def _classes_said(scores: Any, contract: Contract) -> Iterable[Record]:
    classes = contract.classes or ()
    names = [str(each) for each in classes]
    for row, best in zip(scores.tolist(), scores.argmax(axis=1).tolist(), strict=True):
        yield {"label": classes[best], "scores": dict(zip(names, row, strict=True))}
