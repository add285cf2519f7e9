"""Request signatures: version 4 in headers or a presigned URL, and S3's older query strings.

Source: "Signature Version 4 signing process" of the IAM user guide; "Authenticating requests" of the S3 API reference.
The signatures of the single chunks of a streamed upload are not checked, only the one of its header.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit

from localcloud.locks import read_body

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MISMATCH, SKEWED, URL_EXPIRED, BODY_DIFFERS = "mismatch", "skewed", "url expired", "body differs"
_MOST_SKEW_SECONDS = 900
_ALGORITHM = "AWS4-HMAC-SHA256"
Age = Callable[[float], float]


@dataclass(frozen=True)
class _Signed:
    """What a version 4 signature says about itself."""

    scope: str
    headers: str
    signature: str
    date: str
    expires_seconds: int | None


def fault(environ: "WSGIEnvironment", secret: str, age: Age) -> str | None:
    """What is wrong with the request's signature; None when `secret` made it in time.

    `age(epoch)` is how many seconds ago something at that real time was.
    """
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    if "AWSAccessKeyId" in query:
        return _fault_of_version_2(environ, query, secret)
    signed = _from_query(query) if "X-Amz-Signature" in query else _from_header(environ)
    if signed is None or not hmac.compare_digest(_signature(environ, signed, secret), signed.signature):
        return MISMATCH
    if signed.expires_seconds is not None:
        return URL_EXPIRED if age(_epoch(signed.date)) > signed.expires_seconds else None
    if abs(time.time() - _epoch(signed.date)) > _MOST_SKEW_SECONDS:
        return SKEWED
    return _fault_of_body(environ)


def session_token(environ: "WSGIEnvironment") -> str | None:
    """The token that came with the request's key."""
    query = parse_qs(environ.get("QUERY_STRING", ""))
    given = query.get("X-Amz-Security-Token") or query.get("x-amz-security-token") or [None]
    in_header: str | None = environ.get("HTTP_X_AMZ_SECURITY_TOKEN")
    return in_header or given[0]


def _from_header(environ: "WSGIEnvironment") -> _Signed | None:
    algorithm, _, rest = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    date = environ.get("HTTP_X_AMZ_DATE")
    if algorithm != _ALGORITHM or date is None or not {"Credential", "SignedHeaders", "Signature"} <= set(parts):
        return None
    scope = parts["Credential"].partition("/")[2]
    return _Signed(scope, parts["SignedHeaders"], parts["Signature"], date, None)


def _from_query(query: dict[str, list[str]]) -> _Signed | None:
    given = {name: values[0] for name, values in query.items()}
    names = ("X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date")
    if any(name not in given for name in names) or not given.get("X-Amz-Expires", "").isdigit():
        return None
    credential, headers, signature, date = (given[name] for name in names)
    return _Signed(credential.partition("/")[2], headers, signature, date, int(given["X-Amz-Expires"]))


def _signature(environ: "WSGIEnvironment", signed: _Signed, secret: str) -> str:
    service = signed.scope.split("/")[-2]
    lines = (
        environ["REQUEST_METHOD"],
        _canonical_path(environ, service),
        _canonical_query(environ.get("QUERY_STRING", "")),
        *(f"{name}:{_header(environ, name)}" for name in signed.headers.split(";")),
        "",
        signed.headers,
        _payload_hash(environ, service, presigned=signed.expires_seconds is not None),
    )
    hashed = hashlib.sha256("\n".join(lines).encode("latin-1")).hexdigest()
    to_sign = "\n".join((_ALGORITHM, signed.date, signed.scope, hashed))
    return hmac.new(_signing_key(secret, signed.scope), to_sign.encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=1024)
def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _canonical_path(environ: "WSGIEnvironment", service: str) -> str:
    """S3's paths are encoded once; those of other services are normalized and encoded twice."""
    from botocore.utils import normalize_url_path

    path = urlsplit(environ.get("RAW_URI") or quote(environ.get("PATH_INFO", "/"))).path or "/"
    return quote(unquote(path), safe="/~") if service == "s3" else quote(normalize_url_path(path), safe="/~")


def _canonical_query(query: str) -> str:
    pairs = (pair.partition("=")[::2] for pair in query.split("&") if pair)
    encoded = ((quote(unquote(name), safe="~"), quote(unquote(value), safe="~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in sorted(encoded) if name != "X-Amz-Signature")


def _header(environ: "WSGIEnvironment", name: str) -> str:
    key = name.upper().replace("-", "_")
    own = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
    return " ".join(str(environ.get(own, "")).split())


def _payload_hash(environ: "WSGIEnvironment", service: str, *, presigned: bool) -> str:
    given = environ.get("HTTP_X_AMZ_CONTENT_SHA256")
    if given:
        return str(given)
    return "UNSIGNED-PAYLOAD" if presigned and service == "s3" else hashlib.sha256(read_body(environ)).hexdigest()


def _fault_of_body(environ: "WSGIEnvironment") -> str | None:
    given = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "-")
    if "-" in given:  # UNSIGNED-PAYLOAD, STREAMING-…
        return None
    return None if hashlib.sha256(read_body(environ)).hexdigest() == given else BODY_DIFFERS


def _fault_of_version_2(environ: "WSGIEnvironment", query: dict[str, list[str]], secret: str) -> str | None:
    from botocore.auth import HmacV1Auth

    resource = HmacV1Auth(None).canonical_resource(urlsplit(environ.get("RAW_URI", "")))
    expires = query.get("Expires", [""])[0]
    own = [f"{name}:{values[0]}" for name, values in sorted(query.items()) if name.startswith("x-amz-")]
    heads = [_header(environ, name) for name in ("content-md5", "content-type")]
    to_sign = "\n".join((environ["REQUEST_METHOD"], *heads, expires, *own, resource))
    made = base64.b64encode(hmac.new(secret.encode(), to_sign.encode(), hashlib.sha1).digest()).decode()
    if not hmac.compare_digest(made, query.get("Signature", [""])[0]):
        return MISMATCH
    return None if expires.isdigit() and time.time() <= int(expires) else URL_EXPIRED


def _epoch(date: str) -> float:
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0
