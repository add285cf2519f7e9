"""What a raw AWS request says about itself, and errors in the wire format of its service."""

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from localcloud.locks import read_body

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")
_FORM = "application/x-www-form-urlencoded"
_XML_SERVICES = frozenset({"s3", "iam", "sts", "sns", "cloudformation", "monitoring", "autoscaling", "rds", "ec2"})


@dataclass(frozen=True)
class Signature:
    """The credential scope of a signed request."""

    access_key: str
    region: str
    service: str


def signature(environ: "WSGIEnvironment") -> Signature | None:
    """Who signed the request for which service, from the header or a presigned URL; None when nobody did."""
    match = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if match is None:
        query = parse_qs(environ.get("QUERY_STRING", ""))
        if "AWSAccessKeyId" in query:  # a presigned S3 URL of the older kind
            return Signature(query["AWSAccessKeyId"][0], "us-east-1", "s3")
        match = _CREDENTIAL.search(f"Credential={query.get('X-Amz-Credential', [''])[0]}/")
    return None if match is None else Signature(match[1], match[2], match[3])


def named_operation(environ: "WSGIEnvironment") -> str | None:
    """The operation that a JSON or query request names; None for the REST protocols, where the path tells it."""
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return str(target).rpartition(".")[2]
    if environ.get("CONTENT_TYPE", "").startswith(_FORM):
        return parse_qs(read_body(environ).decode("utf-8", "replace")).get("Action", [None])[0]
    return None


def error_response(
    environ: "WSGIEnvironment", start_response: "StartResponse", status: str, code: str, message: str
) -> list[bytes]:
    """The request is answered with an AWS error that the service's clients can read."""
    body, content_type = _error_body(environ, code, message)
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("x-amzn-ErrorType", code),
        ("x-amzn-RequestId", "localcloud"),
        ("x-amz-request-id", "localcloud"),
    ]
    start_response(status, headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _error_body(environ: "WSGIEnvironment", code: str, message: str) -> tuple[bytes, str]:
    signed = signature(environ)
    service = signed.service if signed else "sts" if _is_form(environ) else "s3"
    if environ.get("HTTP_X_AMZ_TARGET") or (service not in _XML_SERVICES and not _is_form(environ)):
        text = json.dumps({"__type": code, "message": message, "Message": message})
        return text.encode(), "application/x-amz-json-1.1"
    error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if service == "s3":
        text = f'<?xml version="1.0"?><Error>{error}<RequestId>localcloud</RequestId></Error>'
        return text.encode(), "application/xml"
    error = f"<Error><Type>Sender</Type>{error}</Error>"
    return f"<ErrorResponse>{error}<RequestId>localcloud</RequestId></ErrorResponse>".encode(), "text/xml"


def _is_form(environ: "WSGIEnvironment") -> bool:
    return bool(environ.get("CONTENT_TYPE", "").startswith(_FORM))
