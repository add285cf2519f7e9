"""IAM: every request is allowed or denied as AWS would, before it reaches the service.

The administrator's key bypasses it. A service of the cloud acts as itself (its name in a header that only the
administrator's key may send): then resource policies, key policies and trust policies decide.
"""

import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from localcloud.clients import ADMIN_KEY, CALLER_HEADER, SOURCE_ARN_HEADER
from localcloud.cloud import Cloud
from localcloud.iam import deliveries
from localcloud.iam.authorization import Authorization
from localcloud.iam.calls import Call, CannotUnderstand, understand
from localcloud.iam.decision import Denial, Principal
from localcloud.iam.policies import Identity
from localcloud.iam.principals import administrator, service_principal
from localcloud.wire import Signature, error_response, named_operation, signature

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_FORBIDDEN = "403 Forbidden"
_CALLER = f"HTTP_{CALLER_HEADER.upper().replace('-', '_')}"
_SOURCE_ARN = f"HTTP_{SOURCE_ARN_HEADER.upper().replace('-', '_')}"
_ANONYMOUS = Principal("anonymous", Identity())
# services whose clients know the error by another code
_CODES = dict.fromkeys(("s3", "iam", "sts", "monitoring", "cloudformation", "sqs"), "AccessDenied") | {
    "sns": "AuthorizationError"
}
_BAD_KEY_CODES = {"s3": "InvalidAccessKeyId", "sts": "InvalidClientTokenId", "iam": "InvalidClientTokenId"}


def install(cloud: Cloud) -> None:
    """The latest denials can be looked at under /_local/access-denied."""
    cloud.admin_routes["access-denied"] = lambda _method, _body: list(cloud.denied)
    if cloud.enforce_iam:
        deliveries.install(cloud)


def middleware(cloud: Cloud, app: "WSGIApplication") -> "WSGIApplication":
    """Only allowed requests get through; all do when the cloud was started without IAM."""
    if not cloud.enforce_iam:
        return app
    return _Gate(cloud, app)


class _Gate:
    """The WSGI application in front of all services."""

    def __init__(self, cloud: Cloud, app: "WSGIApplication") -> None:
        self._cloud = cloud
        self._app = app
        self._authorization = Authorization(cloud.account)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(tuple(self._cloud.unsigned_paths)):
            return self._app(environ, start_response)
        signed = signature(environ) or Signature("", self._cloud.region, "s3")
        if self._is_administrator(environ, signed) and not self._assumes_a_role(environ, signed):
            return self._app(environ, start_response)
        who = self._who(environ, signed)
        if who is None:
            code = _BAD_KEY_CODES.get(signed.service, "UnrecognizedClientException")
            message = f"The security token included in the request is invalid: {signed.access_key}"
            return error_response(environ, start_response, _FORBIDDEN, code, message)
        denial = self._denial(environ, signed, who)
        if denial is None:
            return self._app(environ, start_response)
        return self._refuse(environ, start_response, signed, denial)

    def _is_administrator(self, environ: "WSGIEnvironment", signed: Signature) -> bool:
        return signed.access_key == ADMIN_KEY and not environ.get(_CALLER)

    def _assumes_a_role(self, environ: "WSGIEnvironment", signed: Signature) -> bool:
        """The administrator too can only assume a role that exists; moto gives out keys of others."""
        return signed.service == "sts" and named_operation(environ) == "AssumeRole"

    def _who(self, environ: "WSGIEnvironment", signed: Signature) -> Principal | None:
        if signed.access_key == ADMIN_KEY and environ.get(_CALLER):
            return service_principal(environ[_CALLER], environ.get(_SOURCE_ARN))
        if signed.access_key == ADMIN_KEY:
            return administrator(self._cloud.account)
        if not signed.access_key:
            return _ANONYMOUS
        return self._authorization.principals.by_access_key(signed.access_key)

    def _denial(self, environ: "WSGIEnvironment", signed: Signature, who: Principal) -> Denial | None:
        try:
            call: Call = understand(environ, signed, self._cloud.account)
        except CannotUnderstand as error:
            return Denial(
                who.arn, f"{signed.service}:?", "?", f"because the local cloud cannot tell what it is: {error}"
            )
        return self._authorization.denial(who, call, str(environ.get("REMOTE_ADDR", "")))

    def _refuse(
        self, environ: "WSGIEnvironment", start_response: "StartResponse", signed: Signature, denial: Denial
    ) -> list[bytes]:
        print(f"Access denied: {denial}", file=sys.stderr, flush=True)
        self._cloud.denied.append(asdict(denial) | {"time": self._cloud.clock.utcnow().isoformat()})
        code = _CODES.get(signed.service, "AccessDeniedException")
        status = "400 Bad Request" if environ.get("HTTP_X_AMZ_TARGET") else _FORBIDDEN
        return error_response(environ, start_response, status, code, str(denial))
