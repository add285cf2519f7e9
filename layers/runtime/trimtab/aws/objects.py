"""S3 behind the ObjectStore port."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from botocore.exceptions import ClientError

from trimtab.errors import KeyUnusable
from trimtab.ports import ObjectInfo

_GONE = {"NoSuchKey", "NoSuchVersion", "404", "NotFound", "MethodNotAllowed", "405"}
_KEY = "KMS."
"""How the codes begin by which S3 says that a key is disabled, on its way to deletion, or gone."""
_COPYING = {"multipart_threshold": 1024**3, "multipart_chunksize": 512 * 1024**2}
"""Bytes from which on a copy is made in parts, and of a part."""
BLOCK = 8 * 1024 * 1024
"""Bytes fetched by one ranged read."""


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise ValueError(f"not an s3:// address: {uri!r}")
    return bucket, key


def _address(uri: str, version: str | None) -> dict[str, str]:
    bucket, key = split_uri(uri)
    return {"Bucket": bucket, "Key": key} | ({"VersionId": version} if version else {})


class S3ObjectStore:
    """Objects in S3. Encryption is the bucket's default (SSE-KMS with the bucket's key)."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def read(self, uri: str, version: str | None = None) -> bytes:
        try:
            return cast(bytes, self._s3.get_object(**_address(uri, version))["Body"].read())
        except ClientError as error:
            raise _named(error, uri, version) from error

    def open(self, uri: str, version: str | None = None) -> BinaryIO:
        info = self.head(uri, version)
        if info is None:
            raise FileNotFoundError(f"{uri} version {version or 'newest'} does not exist")
        return io.BufferedReader(_RangedReader(self._s3, _address(uri, info.version or version), info.size), BLOCK)

    def write(self, uri: str, body: bytes, content_type: str = "application/octet-stream") -> None:
        try:
            self._s3.put_object(**_address(uri, None), Body=body, ContentType=content_type)
        except ClientError as error:
            raise _named(error, uri, None) from error

    def upload(self, uri: str, path: Path) -> None:
        bucket, key = split_uri(uri)
        self._s3.upload_file(str(path), bucket, key)

    def download(self, uri: str, path: Path, version: str | None = None) -> None:
        with path.open("wb") as target, self.open(uri, version) as source:
            while block := source.read(BLOCK):
                target.write(block)

    def head(self, uri: str, version: str | None = None) -> ObjectInfo | None:
        try:
            found = self._s3.head_object(**_address(uri, version))
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        return ObjectInfo(
            uri=uri,
            size=found["ContentLength"],
            modified=found["LastModified"],
            version=found.get("VersionId", ""),
            etag=found["ETag"].strip('"'),
            metadata=found.get("Metadata", {}),
        )

    def sha256(self, uri: str, version: str | None = None) -> str | None:
        try:
            found = self._s3.head_object(**_address(uri, version), ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        # Of an upload in parts, S3 has only a digest of its parts' digests; its tag tells, and so does the digest.
        stored = found.get("ChecksumSHA256", "-")
        in_parts = found.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT" or "-" in found["ETag"] + stored
        return None if in_parts else base64.b64decode(stored).hex()

    def copy(self, source: str, target: str, version: str | None = None) -> None:
        """In parts, side by side: one request copies 5 GB at most."""
        from boto3.s3.transfer import TransferConfig  # commands that talk to nobody import this module too

        try:
            self._s3.copy(_address(source, version), **_address(target, None), Config=TransferConfig(**_COPYING))
        except ClientError as error:
            raise _named(error, source, version) from error

    def list(self, prefix_uri: str, after: str | None = None) -> Iterator[ObjectInfo]:
        bucket, prefix = split_uri(prefix_uri)
        start = {"StartAfter": split_uri(after)[1]} if after else {}
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **start)
        for page in pages:
            for item in page.get("Contents", []):
                yield ObjectInfo(
                    uri=f"s3://{bucket}/{item['Key']}",
                    size=item["Size"],
                    modified=item["LastModified"],
                    etag=item["ETag"].strip('"'),
                )

    def delete(self, uri: str) -> None:
        self._s3.delete_object(**_address(uri, None))


def _named(error: ClientError, uri: str, version: str | None) -> Exception:
    """FileNotFoundError for an object that is gone, KeyUnusable for one behind a closed key, else the error itself."""
    if error.response["Error"]["Code"].startswith(_KEY):
        return KeyUnusable(f"{uri}: {error.response['Error'].get('Message', '')} (aws kms enable-key)")
    if error.response["Error"]["Code"] in _GONE:
        return FileNotFoundError(f"{uri} version {version or 'newest'} does not exist")
    return cast(Exception, error)


class _RangedReader(io.RawIOBase):
    """A seekable view of one object that fetches only the bytes asked for."""

    def __init__(self, s3: Any, address: dict[str, str], size: int) -> None:
        self._s3, self._address, self._size, self._at = s3, address, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        wanted = min(len(view), self._size - self._at)
        if wanted <= 0:
            return 0
        span = f"bytes={self._at}-{self._at + wanted - 1}"
        body = self._s3.get_object(**self._address, Range=span)["Body"].read()
        view[: len(body)] = body
        self._at += len(body)
        return len(body)
