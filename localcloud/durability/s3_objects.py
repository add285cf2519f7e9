"""S3: a row for each bucket, for all versions of a key, and for each upload; bodies are files, read in place."""

import io
import threading
from pathlib import Path
from typing import Any, Final

from localcloud.cloud import Cloud
from localcloud.durability.backends import backend_of
from localcloud.durability.kept import Kept, is_recording

_INLINE_BYTES: Final = 4096
_WHY: Final = "tells which state a request changes"
_MODELS: Final = "moto.s3.models"


class StoredBody:
    """The body of an object in a file that never changes; a file to moto, but nothing is open between two reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._position = 0

    def seek(self, position: int) -> None:
        """The next read begins there."""
        self._position = position

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        with self.path.open("rb") as file:
            file.seek(self._position)
            content = file.read(size)
        self._position += len(content)
        return content

    def close(self) -> None:
        """Nothing to close; the file goes at the next start when nothing refers to it any more."""


def install(cloud: Cloud) -> None:
    """Objects, uploads and buckets that a request has touched are saved before it is answered."""
    from moto.s3.models import FakeKey

    bodies = _Bodies(cloud)
    cloud.durable.codec.reducers[FakeKey] = bodies.take_apart
    cloud.durable.codec.reducers[StoredBody] = bodies.take_apart_body
    keep, lock = cloud.durable.keep, cloud.locks.of("s3")
    buckets = keep("s3.buckets", dump=_dump_bucket, load=_load_bucket, lock=lock, compare=True)
    objects = keep("s3.objects", dump=_dump_versions, load=_load_versions, lock=lock)
    uploads = keep("s3.uploads", dump=_dump_upload, load=_load_upload, lock=lock)
    _watch_buckets(cloud, buckets)
    _watch_objects(cloud, objects)
    for operation in ("__getitem__", "__setitem__", "__delitem__"):
        _watch_uploads(cloud, uploads, operation)


def _watch_buckets(cloud: Cloud, buckets: Kept) -> None:
    def __init__(bucket: Any, name: str, account_id: str, *arguments: Any, **keywords: Any) -> None:
        initialise(bucket, name, account_id, *arguments, **keywords)
        bucket.keys.place = bucket.multiparts.place = (account_id, bucket.partition, name)
        if is_recording():
            buckets.changed(*bucket.keys.place)

    def get_bucket(backend: Any, bucket_name: str) -> Any:
        if is_recording():
            buckets.changed(backend.account_id, backend.region_name, bucket_name)
        return find(backend, bucket_name)

    initialise = cloud.patches.replace(f"{_MODELS}:FakeBucket.__init__", __init__, _WHY)
    find = cloud.patches.replace(f"{_MODELS}:S3Backend.get_bucket", get_bucket, _WHY)


def _watch_objects(cloud: Cloud, objects: Kept) -> None:
    def versions(store: Any, key: str) -> Any:
        if is_recording():
            objects.changed(*store.place, key)
        return find(store, key)

    find = cloud.patches.replace("moto.s3.utils:_VersionedKeyStore.__sgetitem__", versions, _WHY)


def _watch_uploads(cloud: Cloud, uploads: Kept, operation: str) -> None:
    def watched(store: Any, upload_id: str, *value: Any) -> Any:
        if is_recording():
            uploads.changed(*store.place, upload_id)
        return original(store, upload_id, *value)

    original = cloud.patches.replace(f"{_MODELS}:MultipartDict.{operation}", watched, _WHY)


def _dump_bucket(account: str, partition: str, name: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    backend = backend_of("s3", account, partition)
    bucket = backend.buckets.get(name)
    if bucket is None:
        return None
    state = {key: value for key, value in bucket.__dict__.items() if key not in ("keys", "multiparts")}
    return state, backend.tagger.get_tag_dict_for_resource(bucket.arn)


def _load_bucket(kept: tuple[dict[str, Any], dict[str, str]], account: str, partition: str, name: str) -> None:
    from moto.s3.models import FakeBucket

    backend, (state, tags) = backend_of("s3", account, partition), kept
    bucket = backend.buckets[name] = FakeBucket(name, account, state["region_name"])
    bucket.__dict__.update(state)
    _set_tags(backend, bucket.arn, tags)


def _dump_versions(account: str, partition: str, bucket: str, key: str) -> list[tuple[Any, dict[str, str]]] | None:
    backend = backend_of("s3", account, partition)
    found = backend.buckets.get(bucket)
    versions = found.keys.getlist(key) if found is not None else None
    if not versions:
        return None
    return [(one, backend.tagger.get_tag_dict_for_resource(one.arn) if _is_object(one) else {}) for one in versions]


def _load_versions(
    versions: list[tuple[Any, dict[str, str]]], account: str, partition: str, bucket: str, key: str
) -> None:
    backend = backend_of("s3", account, partition)
    backend.buckets[bucket].keys.setlist(key, [one for one, _ in versions])
    for one, tags in versions:
        if tags:
            _set_tags(backend, one.arn, tags)


def _dump_upload(account: str, partition: str, bucket: str, upload_id: str) -> Any:
    found = backend_of("s3", account, partition).buckets.get(bucket)
    return None if found is None else found.multiparts.get(upload_id)


def _load_upload(upload: Any, account: str, partition: str, bucket: str, upload_id: str) -> None:
    backend_of("s3", account, partition).buckets[bucket].multiparts[upload_id] = upload


def _set_tags(backend: Any, arn: str, tags: dict[str, str]) -> None:
    backend.tagger.tag_resource(arn, backend.tagger.convert_dict_to_tags_input(tags))


def _is_object(version: Any) -> bool:
    return hasattr(version, "contentsize")  # a delete marker has no content


class _Bodies:
    """Moves bodies that are not small out of memory, into files that their rows refer to."""

    def __init__(self, cloud: Cloud) -> None:
        self._codec = codec = cloud.durable.codec

        def stored(name: str) -> StoredBody:
            return StoredBody(codec.blob_path(name))

        self._stored = stored
        codec.refer("s3.body", stored)

    def take_apart(self, key: Any) -> tuple[Any, ...]:
        """How a key is pickled: without its lock, and with its body or the name of the body's file."""
        state = {name: value for name, value in key.__dict__.items() if name not in ("lock", "_value_buffer")}
        return _put_together, (type(key), state, self._body(key))

    def take_apart_body(self, body: StoredBody) -> tuple[Any, ...]:
        """How a body's file is referred to."""
        return self._stored, (body.path.name,)

    def _body(self, key: Any) -> Any:
        if isinstance(key._value_buffer, StoredBody):
            return key._value_buffer
        try:
            content = key.value
        except ValueError:  # of a part of an upload that is complete
            return b""
        if len(content) < _INLINE_BYTES:
            return content
        buffer, key._value_buffer = key._value_buffer, self._stored(self._codec.store.put_blob(content))
        buffer.close()
        return key._value_buffer


def _put_together(kind: Any, state: dict[str, Any], body: bytes | StoredBody) -> Any:
    key = kind.__new__(kind)
    buffer = io.BytesIO(body) if isinstance(body, bytes) else body
    key.__dict__.update(state, lock=threading.Lock(), _value_buffer=buffer)
    return key
