"""What a request that is not let in is told: one table of faults, by the three families of AWS's error codes.

JSON services answer 400, REST and query services 403. S3 and the query services have codes of their own.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcloud.iam.signatures import BODY_DIFFERS, MISMATCH, SKEWED, URL_EXPIRED

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

UNKNOWN_KEY, WRONG_TOKEN, TOKEN_EXPIRED, DENIED = "unknown key", "wrong token", "token expired", "denied"
UNSIGNED = "unsigned"
KEY_DENIED = "key denied"  # a KMS key that the service would use for the caller
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
_INVALID = "The security token included in the request is invalid."
_LATE = "Signature expired: the request's time is too far from the current time."
# fault: code for S3, for query services, for the others; message
_FAULTS = {
    UNSIGNED: (
        "AccessDenied",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "Request is missing Authentication Token",
    ),
    UNKNOWN_KEY: ("InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", _INVALID),
    WRONG_TOKEN: ("InvalidToken", "InvalidClientTokenId", "UnrecognizedClientException", _INVALID),
    TOKEN_EXPIRED: (
        "ExpiredToken",
        "ExpiredToken",
        "ExpiredTokenException",
        "The security token included in the request is expired",
    ),
    MISMATCH: ("SignatureDoesNotMatch", "SignatureDoesNotMatch", "InvalidSignatureException", _MISMATCH),
    SKEWED: ("RequestTimeTooSkewed", "SignatureDoesNotMatch", "InvalidSignatureException", _LATE),
    URL_EXPIRED: ("AccessDenied", "SignatureDoesNotMatch", "InvalidSignatureException", "Request has expired"),
    BODY_DIFFERS: (
        "XAmzContentSHA256Mismatch",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    ),
    DENIED: ("AccessDenied", "AccessDenied", "AccessDeniedException", "Access Denied"),
    KEY_DENIED: ("AccessDenied", "AccessDenied", "AccessDeniedException", "Access Denied"),
}
_OWN_CODES = {
    ("sns", DENIED): "AuthorizationError",
    ("sns", KEY_DENIED): "KMSAccessDenied",
    ("sqs", KEY_DENIED): "KMS.AccessDeniedException",
}
_QUERY_SERVICES = frozenset({"iam", "sts", "monitoring", "cloudformation", "sqs", "sns"})
_BAD_REQUESTS_OF_S3 = frozenset({TOKEN_EXPIRED, WRONG_TOKEN, BODY_DIFFERS})


@dataclass(frozen=True)
class Refusal:
    """Status, error code and message of the answer."""

    status: str
    code: str
    message: str


def refusal(environ: "WSGIEnvironment", service: str, fault: str, message: str = "") -> Refusal:
    """The answer for a fault, as the service words it; `service` is empty when nobody signed for one."""
    of_s3, of_query, of_others, text = _FAULTS[fault]
    is_of_query = service in _QUERY_SERVICES or (not service and not environ.get("HTTP_X_AMZ_TARGET"))
    usual = of_s3 if service == "s3" else of_query if is_of_query else of_others
    code = _OWN_CODES.get((service, fault), usual)
    is_bad = environ.get("HTTP_X_AMZ_TARGET") or (service == "s3" and fault in _BAD_REQUESTS_OF_S3)
    return Refusal("400 Bad Request" if is_bad else "403 Forbidden", code, message or text)
