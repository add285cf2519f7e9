"""Where the items of a Distributed Map come from, and how they become the inputs of its children.

Source: "ItemReader (Map)" and "ItemBatcher (Map)" of the Step Functions guide.
"""

import csv
import io
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

Json = dict[str, Any]

LARGEST_INPUT_BYTES: Final = 256 * 1024
LISTING: Final = "arn:aws:states:::s3:listObjectsV2"
OBJECT: Final = "arn:aws:states:::s3:getObject"
_DELIMITERS: Final = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
_LISTED: Final = ("Key", "Size", "StorageClass")


class ReaderFailed(ValueError):
    """Raised when what was read from S3 is not a list of items."""


def read(resource: str, s3: Any, parameters: Json, config: Json, most: int | None) -> list[Any]:
    """The items that the reader finds in S3, at most `most`. Raises ReaderFailed and botocore's ClientError."""
    if resource.endswith("s3:listObjectsV2"):
        return list(itertools.islice(_listing(s3, parameters), most))
    text = s3.get_object(**parameters)["Body"].read().decode()
    try:
        return list(itertools.islice(PARSERS[config["InputType"]](text, config), most))
    except ValueError as error:
        raise ReaderFailed(f"The object {parameters['Key']} is not {config['InputType']}: {error}") from error


def _listing(s3: Any, parameters: Json) -> Iterator[Json]:
    for page in s3.get_paginator("list_objects_v2").paginate(**parameters):
        for found in page.get("Contents", ()):
            shown = {name: found[name] for name in _LISTED}
            yield {"Etag": found["ETag"], **shown, "LastModified": int(found["LastModified"].timestamp())}


def _json(text: str, config: Json) -> Iterable[Any]:
    document = json.loads(text)
    for part in filter(None, config.get("ItemsPointer", "").split("/")):
        document = document.get(part) if isinstance(document, dict) else None
    if not isinstance(document, list):
        raise ValueError("Attempting to map over non-iterable node.")
    return document


def _json_lines(text: str, _config: Json) -> Iterable[Any]:
    return (json.loads(line) for line in text.splitlines() if line.strip())


def _csv(text: str, config: Json) -> Iterable[Any]:
    rows = csv.reader(io.StringIO(text), delimiter=_DELIMITERS[config.get("CSVDelimiter", "COMMA")])
    names = config["CSVHeaders"] if config.get("CSVHeaderLocation") == "GIVEN" else next(rows, [])
    if len(set(names)) < len(names):
        raise ValueError("CSV headers cannot contain duplicates.")
    padding = [""] * len(names)
    return (dict(zip(names, row + padding, strict=False)) for row in rows if row)


PARSERS: Final[dict[str, Callable[[str, Json], Iterable[Any]]]] = {"JSON": _json, "JSONL": _json_lines, "CSV": _csv}


def batched(items: list[Any], most: int | None, most_bytes: int | None, common: Any) -> list[tuple[Json, int]]:
    """The inputs of children that get several items each, with their number of items.

    An input is as large as `most` items and `most_bytes` allow; one item that is too large fails. Raises ValueError.
    """
    frame = {"BatchInput": common} if common is not None else {}
    limit = min(most_bytes or LARGEST_INPUT_BYTES, LARGEST_INPUT_BYTES) - len(_compact({**frame, "Items": []}))
    batches: list[list[Any]] = []
    room = 0
    for item in items:
        size = len(_compact(item)) + 1
        if size > limit:
            raise ValueError(f"An item of {size} bytes does not fit into a batch.")
        if not batches or size > room or len(batches[-1]) == most:
            batches.append([])
            room = limit
        batches[-1].append(item)
        room -= size
    return [({**frame, "Items": batch}, len(batch)) for batch in batches]


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), default=str).encode()
