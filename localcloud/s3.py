"""S3: what moto does otherwise than AWS. Bucket policies are left to `localcloud.iam`."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localcloud.checksums import checksum, is_known
from localcloud.cloud import Cloud
from localcloud.iam.authorization import denied_deletions
from localcloud.wire import signature

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_RESPONSE = "moto.s3.responses:S3Response"
_BACKEND = "moto.s3.models:S3Backend"
_TRAILER_BYTES = 512
_TRAILER = re.compile(rb"x-amz-checksum-([a-z0-9]+):([A-Za-z0-9+/]+={0,2})")
_CHECKSUM_HEADER = "HTTP_X_AMZ_CHECKSUM_"
_NO_ALGORITHMS = ("TYPE", "ALGORITHM", "MODE")
_MD5_BYTES = 16


def install(cloud: Cloud) -> None:
    """Uploads are checked, locks hold in virtual time, and IAM alone decides what bucket policies deny."""
    replace = cloud.patches.replace
    replace(
        "moto.s3.models:FakeBucket.get_permission",
        _permission,
        "takes an unmet condition for a Deny, so a policy that enforces TLS locks everybody out",
    )
    replace(f"{_RESPONSE}._get_checksum", _checked, "does not compare the checksum with the body, nor Content-MD5")
    for module in ("models", "responses"):
        computed = lambda body, algorithm, **_more: checksum(algorithm, bytes(body)).encode()  # noqa: E731
        replace(f"moto.s3.{module}:compute_checksum", computed, "takes CRC32 for CRC32C and CRC64NVME")
    replace("moto.s3.models:utcnow", lambda: cloud.clock.utcnow().replace(tzinfo=None), "real time")
    wrap = cloud.patches.wrap
    wrap(f"{_RESPONSE}._key_response_get", _around(_get), "answers GetObjectRetention with the object")
    wrap(f"{_RESPONSE}.upload_part", _around(_upload_part), "keeps a part before it looks at its checksum")
    wrap(f"{_RESPONSE}._complete_multipart_body", _around(_ordered), "takes parts in any order")
    wrap(f"{_RESPONSE}.put_object_retention", _around(_put_retention), "lets everybody shorten a retention")
    for operation in ("upload_part", "upload_part_copy", "complete_multipart_upload"):
        wrap(f"{_BACKEND}.{operation}", _around(_of_an_upload), "fails when there is no such upload")


def middleware(cloud: Cloud, app: "WSGIApplication") -> "WSGIApplication":
    """Headers of an upload that moto would misunderstand are written as it understands them."""

    def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        signed = signature(environ)
        if environ["REQUEST_METHOD"] == "PUT" and signed is not None and signed.service == "s3":
            _prepare(environ)
        return app(environ, start_response)

    return run


def _prepare(environ: "WSGIEnvironment") -> None:
    """A body is an object also when its type says that it is a form; a checksum is one without the SDK's header."""
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        environ["CONTENT_TYPE"] = "binary/octet-stream"
    given = [name for name in environ if name.startswith(_CHECKSUM_HEADER) and not name.endswith(_NO_ALGORITHMS)]
    if given:
        environ.setdefault("HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM", given[0].removeprefix(_CHECKSUM_HEADER))


def _around(wrapper: Callable[..., Any]) -> Callable[[Callable[..., Any]], object]:
    """For `Patches.wrap`: a method that gives `wrapper` what it was before as its first argument."""
    return lambda original: lambda *given, **named: wrapper(original, *given, **named)


def _permission(_bucket: Any, action: str, resource: str) -> Any:
    from moto.iam.access_control import PermissionResult

    is_denied = action == "s3:DeleteObject" and resource in denied_deletions.get()
    return PermissionResult.DENIED if is_denied else PermissionResult.NEUTRAL


# checksums -----------------------------------------------------------------------------------------------------------


def _checked(response: Any, response_headers: dict[str, Any]) -> tuple[str, str | None]:
    """The upload's checksum algorithm and value; raises BadDigest when the body has another."""
    body = response.body.encode() if isinstance(response.body, str) else bytes(response.body or b"")
    _check_md5(response.headers.get("content-md5"), body)
    algorithm, given = _given_checksum(response)
    if not algorithm:
        return "", None
    computed = checksum(algorithm, body)
    if given is not None and given != computed:
        raise _error("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")
    response_headers[f"x-amz-checksum-{algorithm.lower()}"] = computed
    return algorithm, computed


def _given_checksum(response: Any) -> tuple[str, str | None]:
    """From a header of its own, from the trailer of a chunked body, or only the algorithm's name."""
    for name, value in response.headers.items():
        algorithm = name.lower().removeprefix("x-amz-checksum-").upper()
        if name.lower().startswith("x-amz-checksum-") and algorithm not in _NO_ALGORITHMS:
            return _known(algorithm), value
    if response.headers.get("x-amz-trailer"):
        raw = response.raw_body if isinstance(response.raw_body, bytes) else b""
        found = _TRAILER.search(raw[-_TRAILER_BYTES:])
        if found is not None:
            return _known(found[1].decode().upper()), found[2].decode()
    return _known(response.headers.get("x-amz-sdk-checksum-algorithm", "").upper()), None


def _known(algorithm: str) -> str:
    if algorithm and not is_known(algorithm):
        raise _error("InvalidRequest", f"Checksum algorithm provided is unsupported: {algorithm}.")
    return algorithm


def _check_md5(given: str | None, body: bytes) -> None:
    if given is None:
        return
    try:
        digest = base64.b64decode(given, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != _MD5_BYTES:
        raise _error("InvalidDigest", "The Content-MD5 you specified was invalid.")
    if hashlib.md5(body, usedforsecurity=False).digest() != digest:
        raise _error("BadDigest", "The Content-MD5 you specified did not match what we received.")


def _error(code: str, message: str) -> Exception:
    from moto.s3.exceptions import S3ClientError

    error: Exception = S3ClientError(code, message)
    return error


# parts ---------------------------------------------------------------------------------------------------------------


def _upload_part(original: Callable[..., Any], response: Any) -> Any:
    response._get_checksum({})
    return original(response)


def _ordered(original: Callable[..., Any], response: Any, body: bytes) -> Iterator[tuple[int, str]]:
    from moto.s3.exceptions import InvalidPartOrder

    parts = list(original(response, body))
    numbers = [number for number, _etag in parts]
    if numbers != sorted(set(numbers)):
        raise InvalidPartOrder
    return iter(parts)


def _of_an_upload(
    original: Callable[..., Any], backend: Any, bucket: str, upload: str, *more: Any, **named: Any
) -> Any:
    from moto.s3.exceptions import NoSuchUpload

    if upload not in backend.get_bucket(bucket).multiparts:
        raise NoSuchUpload(upload)
    return original(backend, bucket, upload, *more, **named)


# locks ---------------------------------------------------------------------------------------------------------------


def _get(original: Callable[..., Any], response: Any, query: dict[str, Any], key_name: str) -> Any:
    if "retention" not in query:
        return original(response, query, key_name)
    from moto.core.responses import ActionResult

    key, _ = response._get_key()
    if not key.lock_mode:
        raise _error("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration")
    response.data["Action"] = "GetObjectRetention"
    return response.serialized(
        ActionResult({"Retention": {"Mode": key.lock_mode, "RetainUntilDate": _moment(key.lock_until)}})
    )


def _put_retention(original: Callable[..., Any], response: Any) -> Any:
    """A retention only becomes longer; in governance, who bypasses it may do anything (IAM has said so)."""
    from moto.s3.exceptions import AccessDeniedByLock

    key = response.backend.get_object(
        response.bucket_name, response.parse_key_name(), version_id=response._get_param("versionId")
    )
    bypasses = str(response.headers.get("x-amz-bypass-governance-retention", "")).lower() == "true"
    if key is not None and key.lock_mode and key.is_locked(governance_bypass=bypasses):
        mode, until = response._mode_until_from_body()
        if mode != key.lock_mode or _moment(until) < _moment(key.lock_until):
            raise AccessDeniedByLock
    return original(response)


def _moment(text: str | None) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC) if text else datetime.min.replace(tzinfo=UTC)
