"""S3's events: one for each write to a bucket that sends events to EventBridge, in the shape AWS gives them.

Source: "EventBridge event message structure" of the S3 user guide. Events about tags, ACLs, restores, storage classes
and lifecycles are not sent; notifications that go to queues, topics and functions without EventBridge are refused.
"""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from localcloud.cloud import Cloud

_BACKEND: Final = "moto.s3.models:S3Backend"
_EMPTY_ETAG: Final = "d41d8cd98f00b204e9800998ecf8427e"
_SEQUENCER_BITS: Final = 32
_OTHER_TARGETS: Final = frozenset({"TopicConfiguration", "QueueConfiguration", "CloudFunctionConfiguration"})


def install(cloud: Cloud) -> None:
    """Every write emits its event; moto's own, of another shape and sometimes two for one write, are off."""
    events = _Events(cloud)
    cloud.patches.replace(
        "moto.s3.notifications:_send_event_bridge_message",
        lambda *_arguments: None,
        "constant ids and sequencer, other field names, two events for some writes",
    )
    for operation, write in _WRITES.items():
        _wrap(cloud, events, operation, write)
    _refuse_other_notifications(cloud)


def _refuse_other_notifications(cloud: Cloud) -> None:
    def put(backend: Any, bucket_name: str, configuration: Any) -> None:
        if _OTHER_TARGETS.intersection(configuration or ()):
            raise NotImplementedError("notifications to topics, queues and functions; use EventBridgeConfiguration")
        original(backend, bucket_name, configuration)

    target = f"{_BACKEND}.put_bucket_notification_configuration"
    original = cloud.patches.replace(target, put, "sends them in another shape, all with one sequencer")


@dataclass(frozen=True)
class _Write:
    """What one operation of the backend tells about the object it wrote."""

    detail_type: str
    describe: Callable[[Any, "_Call", Any], dict[str, Any] | None]


@dataclass(frozen=True)
class _Call:
    """The arguments of an operation that matter for its event."""

    bucket: Any
    key: str
    keywords: dict[str, Any]


def _wrap(cloud: Cloud, events: "_Events", operation: str, write: _Write) -> None:
    original: list[Callable[..., Any]] = []

    def wrapped(backend: Any, *arguments: Any, **keywords: Any) -> Any:
        with events.outermost() as is_outermost:
            result = original[0](backend, *arguments, **keywords)
        if is_outermost:
            events.send(backend, write, _call(backend, operation, arguments, keywords, result), result)
        return result

    reason = "its event is made here"
    original.append(cloud.patches.replace(f"{_BACKEND}.{operation}", wrapped, reason))


class _Events:
    """Makes events, with sequencers that increase."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._depth = threading.local()
        self._lock = threading.Lock()
        self._sequence = 0

    @contextmanager
    def outermost(self) -> Iterator[bool]:
        """Whether this is the operation that the caller asked for, not one it is made of."""
        depth = getattr(self._depth, "value", 0)
        self._depth.value = depth + 1
        try:
            yield depth == 0
        finally:
            self._depth.value = depth

    def send(self, backend: Any, write: _Write, call: _Call | None, result: Any) -> None:
        """The write's event is on the default bus of the bucket's region, when the bucket sends any."""
        if call is None or not _sends_events(call.bucket):
            return
        described = write.describe(backend, call, result)
        if described is None:
            return
        detail = self._detail(call, described)
        self._cloud.emit("aws.s3", write.detail_type, detail, [call.bucket.arn], region=call.bucket.region_name)

    def _detail(self, call: _Call, described: dict[str, Any]) -> dict[str, Any]:
        item = {"key": call.key, **described.pop("object"), "sequencer": self._sequencer()}
        return {
            "version": "0",
            "event-version": "1.0",
            "bucket": {"name": call.bucket.name},
            "object": item,
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": self._cloud.account,
            "source-ip-address": "127.0.0.1",
            **described,
        }

    def _sequencer(self) -> str:
        with self._lock:
            now = int(self._cloud.clock.now() * 2**_SEQUENCER_BITS)
            self._sequence = max(self._sequence + 1, now)
            return f"{self._sequence:016x}"


def _call(
    backend: Any, operation: str, arguments: tuple[Any, ...], keywords: dict[str, Any], result: Any
) -> _Call | None:
    names = _PARAMETERS[operation]
    given = dict(zip(names, arguments, strict=False)) | keywords
    name = given.get("dest_key_name") or given.get("key_name") or getattr(result, "name", None)
    if name is None:
        return None
    bucket = backend.get_bucket(given.get("dest_bucket_name") or given["bucket_name"])
    return _Call(bucket, name, given)


def _sends_events(bucket: Any) -> bool:
    configuration = bucket.notification_configuration
    return configuration is not None and configuration.event_bridge is not None


def _created(bucket: Any, key: Any, reason: str) -> dict[str, Any]:
    item = {"size": key.size, "etag": key.etag.strip('"')}
    if bucket.is_versioned:
        item["version-id"] = key.version_id
    return {"object": item, "reason": reason}


def _put(_backend: Any, call: _Call, key: Any) -> dict[str, Any]:
    return _created(call.bucket, key, "POST Object" if call.keywords.get("request_method") == "POST" else "PutObject")


def _completed(_backend: Any, call: _Call, key: Any) -> dict[str, Any]:
    return _created(call.bucket, key, "CompleteMultipartUpload")


def _copied(backend: Any, call: _Call, _result: Any) -> dict[str, Any]:
    return _created(call.bucket, backend.get_object(call.bucket.name, call.key), "CopyObject")


def _deleted(_backend: Any, call: _Call, result: tuple[bool, dict[str, Any]]) -> dict[str, Any] | None:
    was_there, headers = result
    if not was_there:
        return None
    marked = headers.get("delete-marker") == "true" and not call.keywords.get("version_id")
    item = {"etag": _EMPTY_ETAG} if marked else {}
    if "version-id" in headers:
        item["version-id"] = headers["version-id"]
    kind = "Delete Marker Created" if marked else "Permanently Deleted"
    return {"object": item, "reason": "DeleteObject", "deletion-type": kind}


_WRITES: Final = {
    "put_object": _Write("Object Created", _put),
    "copy_object": _Write("Object Created", _copied),
    "complete_multipart_upload": _Write("Object Created", _completed),
    "delete_object": _Write("Object Deleted", _deleted),
}
_PARAMETERS: Final = {
    "put_object": ("bucket_name", "key_name"),
    "copy_object": ("src_key", "dest_bucket_name", "dest_key_name"),
    "complete_multipart_upload": ("bucket_name", "multipart_id"),
    "delete_object": ("bucket_name", "key_name", "version_id"),
}
