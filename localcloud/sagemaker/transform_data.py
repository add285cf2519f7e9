"""Records of batch transform: how an object is split and batched, filtered, joined with its answers and put together.

Source: the SageMaker developer guide, "Batch transform" and "Associate prediction results with input records".
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

from localcloud.sagemaker.errors import JobFailedError

_STEP = re.compile(
    r"\.(?P<name>[\w-]+)|\['(?P<quoted>[^']+)'\]|\[(?P<slice>-?\d*:-?\d*)\]|\[(?P<indexes>-?\d+(?:,-?\d+)*)\]"
)
_OUTPUT, _INPUT = "SageMakerOutput", "SageMakerInput"


def split(body: bytes, by_line: bool) -> list[bytes]:
    """The records of an object: its lines (without empty ones), or the whole."""
    return [line for line in body.splitlines() if line] if by_line else [body]


def batches(records: list[bytes], most_bytes: int, several: bool) -> Iterator[list[bytes]]:
    """Records that go to the model in one request: as many as fit, or one. Raises JobFailedError for a larger one."""
    batch: list[bytes] = []
    size = 0
    for record in records:
        if len(record) > most_bytes:
            raise JobFailedError(f"ClientError: A record of {len(record)} bytes exceeds MaxPayloadInMB.")
        if batch and (not several or size + len(record) + 1 > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record) + 1
    if batch:
        yield batch


def assemble(answers: list[bytes], by_line: bool) -> bytes:
    """The content of an `.out` object."""
    return b"".join(answer.rstrip(b"\n") + b"\n" for answer in answers) if by_line else b"".join(answers)


class Records:
    """One format's records as Python values: a list for a CSV line, anything for JSON."""

    def __init__(self, content_type: str) -> None:
        self._is_csv = content_type.partition(";")[0].strip() == "text/csv"

    def read(self, record: bytes) -> Any:
        """The value of one record."""
        text = record.decode()
        return next(csv.reader([text])) if self._is_csv else json.loads(text)

    def write(self, value: Any) -> bytes:
        """A record of this format."""
        if not self._is_csv:
            return json.dumps(value).encode()
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="").writerow(value if isinstance(value, list) else [value])
        return buffer.getvalue().encode()

    def join(self, given: Any, answer: Any) -> Any:
        """The answer beside what it was asked for: more columns, or the key SageMakerOutput."""
        if self._is_csv:
            return [*given, *(answer if isinstance(answer, list) else [answer])]
        return {**given, _OUTPUT: answer} if isinstance(given, dict) else {_INPUT: given, _OUTPUT: answer}


def select(value: Any, path: str) -> Any:
    """What a filter (the part of JSONPath that SageMaker takes) selects. Raises JobFailedError when it is not there."""
    steps = list(_STEP.finditer(path))
    if not path.startswith("$") or "".join(step[0] for step in steps) != path[1:].replace(" ", ""):
        raise JobFailedError(f"ClientError: The filter {path!r} is not a JSONPath that the local cloud knows.")
    try:
        for step in steps:
            value = _selected(value, step)
    except (KeyError, IndexError, TypeError) as error:
        raise JobFailedError(f"ClientError: The filter {path!r} selects nothing in a record.") from error
    return value


def _selected(value: Any, step: "re.Match[str]") -> Any:
    if step["name"] or step["quoted"]:
        return value[step["name"] or step["quoted"]]
    if step["slice"]:
        start, _, end = step["slice"].partition(":")
        return value[int(start) if start else None : int(end) if end else None]
    indexes = [int(each) for each in step["indexes"].split(",")]
    return value[indexes[0]] if len(indexes) == 1 else [value[index] for index in indexes]
