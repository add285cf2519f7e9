"""Data capture in AWS's layout: what one line holds, where its file lies, and the queue that uploads the lines."""

import base64
import json
import random
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localcloud.sagemaker.uris import split_s3_uri

_encode = json.JSONEncoder(separators=(",", ":")).encode
_MODES = {"Input": {"Input", "InputAndOutput"}, "Output": {"Output", "InputAndOutput"}}


@dataclass(frozen=True)
class Payload:
    """One direction of an invocation."""

    content_type: str
    body: bytes


@dataclass(frozen=True)
class Invocation:
    """What capture keeps of one request; `time` is virtual epoch seconds."""

    variant: str
    request: Payload
    response: Payload
    time: float
    inference_id: str | None = None
    custom_attributes: str | None = None


@dataclass(frozen=True)
class CapturedLine:
    """One JSON line and what decides on the file it goes to."""

    destination: str
    variant: str
    time: float
    text: str


def is_sampled(config: dict[str, Any]) -> bool:
    """Whether this request is one of the sampled ones."""
    percentage = float(config["InitialSamplingPercentage"])
    return bool(config.get("EnableCapture", True)) and random.random() * 100 < percentage


def captured_line(config: dict[str, Any], invocation: Invocation) -> CapturedLine:
    """The line that AWS would write for `invocation` under a DataCaptureConfig."""
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    headers = config.get("CaptureContentTypeHeader") or {}
    data = {}
    if modes & _MODES["Input"]:
        data["endpointInput"] = _direction(invocation.request, "INPUT", headers)
    if modes & _MODES["Output"]:
        data["endpointOutput"] = _direction(invocation.response, "OUTPUT", headers)
    record = {"captureData": data, "eventMetadata": _metadata(invocation), "eventVersion": "0"}
    return CapturedLine(config["DestinationS3Uri"], invocation.variant, invocation.time, _encode(record))


def _direction(payload: Payload, mode: str, headers: dict[str, list[str]]) -> dict[str, str]:
    data, encoding = _encoded(payload, headers)
    return {"observedContentType": payload.content_type, "mode": mode, "data": data, "encoding": encoding}


def _encoded(payload: Payload, headers: dict[str, list[str]]) -> tuple[str, str]:
    """Text for the content types that the config names, base64 for all others (and for what is not UTF-8)."""
    content_type = payload.content_type.split(";")[0].strip().lower()
    for encoding, listed in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
        if content_type in {each.lower() for each in headers.get(listed) or []}:
            try:
                return payload.body.decode(), encoding
            except UnicodeDecodeError:
                break
    return base64.b64encode(payload.body).decode(), "BASE64"


def _metadata(invocation: Invocation) -> dict[str, Any]:
    metadata: dict[str, Any] = {"eventId": str(uuid.uuid4())}
    if invocation.inference_id is not None:
        metadata["inferenceId"] = invocation.inference_id
    if invocation.custom_attributes is not None:
        metadata["customAttributes"] = [invocation.custom_attributes]
    moment = datetime.fromtimestamp(invocation.time, UTC)
    return metadata | {"inferenceTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}


def object_key(prefix: str, endpoint: str, variant: str, time: float, identifier: str) -> str:
    """`<prefix>/<endpoint>/<variant>/yyyy/mm/dd/HH/MM-SS-mmm-<identifier>.jsonl`, the time in UTC."""
    moment = datetime.fromtimestamp(time, UTC)
    name = f"{moment:%M-%S}-{moment.microsecond // 1000:03d}-{identifier}.jsonl"
    parts = [prefix.strip("/"), endpoint, variant, f"{moment:%Y/%m/%d/%H}", name]
    return "/".join(part for part in parts if part)


def files(endpoint: str, lines: list[CapturedLine]) -> list[tuple[str, str, bytes]]:
    """(bucket, key, body) of the objects that hold `lines`: one for each destination, variant and hour."""
    groups: dict[tuple[str, str, int], list[CapturedLine]] = defaultdict(list)
    for line in lines:
        groups[line.destination, line.variant, int(line.time // 3600)].append(line)
    result = []
    for (destination, variant, _hour), members in groups.items():
        bucket, prefix = split_s3_uri(destination)
        key = object_key(prefix, endpoint, variant, members[0].time, str(uuid.uuid4()))
        result.append((bucket, key, "".join(line.text + "\n" for line in members).encode()))
    return result


class CaptureQueue:
    """Lines of one endpoint that wait for their upload."""

    def __init__(self, endpoint: str, upload: Callable[[str, str, str, bytes], None]) -> None:
        self._endpoint = endpoint
        self._upload = upload
        self._lines: list[CapturedLine] = []
        self._lock = threading.Lock()
        self._flushing = threading.Lock()

    def add(self, line: CapturedLine) -> None:
        """The line will be in S3 after the next flush."""
        with self._lock:
            self._lines.append(line)

    def flush(self, role_arn: str) -> None:
        """Every line added before the call is in S3, written as the role."""
        with self._flushing:
            with self._lock:
                lines, self._lines = self._lines, []
            for bucket, key, body in files(self._endpoint, lines):
                self._upload(role_arn, bucket, key, body)
