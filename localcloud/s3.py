"""S3: what moto does otherwise than AWS. Bucket policies are left to `localcloud.iam`."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import Any

from localcloud.cloud import Cloud

_RESPONSE = "moto.s3.responses:S3Response"
_TRAILER_BYTES = 512
_TRAILER = re.compile(rb"x-amz-checksum-([a-z0-9]+):([A-Za-z0-9+/]+={0,2})")

# CRC32C and CRC64NVME are kept as given: the standard library cannot compute them
_ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
    "CRC32": lambda body: binascii.crc32(body).to_bytes(4, "big"),
    "SHA1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "SHA256": lambda body: hashlib.sha256(body).digest(),
}


def install(cloud: Cloud) -> None:
    """Uploads whose checksum is wrong are refused, and a bucket policy's unmet condition denies nothing."""
    from moto.iam.access_control import PermissionResult

    cloud.patches.replace(
        "moto.s3.models:FakeBucket.get_permission",
        lambda _bucket, _action, _resource: PermissionResult.NEUTRAL,
        "takes an unmet condition for a Deny, so a policy that enforces TLS locks everybody out",
    )
    cloud.patches.replace(
        f"{_RESPONSE}._get_checksum", _checked, "does not compare the checksum with the body, nor Content-MD5"
    )


def _checked(response: Any, response_headers: dict[str, Any]) -> tuple[str, str | None]:
    """The upload's checksum algorithm and value; raises BadDigest when the body has another."""
    body = response.body.encode() if isinstance(response.body, str) else bytes(response.body or b"")
    _check_md5(response.headers.get("content-md5"), body)
    algorithm, given = _given_checksum(response)
    if not algorithm:
        return "", None
    computed = base64.b64encode(_ALGORITHMS[algorithm](body)).decode() if algorithm in _ALGORITHMS else given
    if given is not None and given != computed:
        raise _bad_digest(f"The {algorithm} you specified did not match the calculated checksum.")
    if computed is not None:
        response_headers[f"x-amz-checksum-{algorithm.lower()}"] = computed
    return algorithm, computed


def _given_checksum(response: Any) -> tuple[str, str | None]:
    """From a header of its own, from the trailer of a chunked body, or only the algorithm's name."""
    for name, value in response.headers.items():
        algorithm = name.lower().removeprefix("x-amz-checksum-").upper()
        if name.lower().startswith("x-amz-checksum-") and algorithm not in ("TYPE", "ALGORITHM", "MODE"):
            return algorithm, value
    if response.headers.get("x-amz-trailer"):
        raw = response.raw_body if isinstance(response.raw_body, bytes) else b""
        found = _TRAILER.search(raw[-_TRAILER_BYTES:])
        if found is not None:
            return found[1].decode().upper(), found[2].decode()
    return response.headers.get("x-amz-sdk-checksum-algorithm", "").upper(), None


def _check_md5(given: str | None, body: bytes) -> None:
    if given is None:
        return
    if base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode() != given:
        raise _bad_digest("The Content-MD5 you specified did not match what we received.")


def _bad_digest(message: str) -> Exception:
    from moto.s3.exceptions import S3ClientError

    error: Exception = S3ClientError("BadDigest", message)
    return error
