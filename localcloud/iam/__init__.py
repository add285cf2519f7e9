"""IAM: every request is allowed or denied as AWS would, before it reaches the service.

The administrator's key bypasses policies. A service of the cloud acts as itself (its name in a header that only the
administrator's key may send): then resource policies, key policies and trust policies decide.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from localcloud.clients import ADMIN_KEY, CALLER_HEADER, SOURCE_ARN_HEADER
from localcloud.cloud import Cloud
from localcloud.iam import deliveries, keys, refusals, signatures, simulation
from localcloud.iam.authorization import Authorization, denied_deletions
from localcloud.iam.calls import Call, CannotUnderstand, understand
from localcloud.iam.decision import Denial, Principal
from localcloud.iam.deliveries import permissions, write_down
from localcloud.iam.policies import Identity
from localcloud.iam.principals import Held, administrator, service_principal
from localcloud.iam.refusals import Refusal, refusal
from localcloud.wire import Signature, error_response, named_operation, signature

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_CALLER = f"HTTP_{CALLER_HEADER.upper().replace('-', '_')}"
_SOURCE_ARN = f"HTTP_{SOURCE_ARN_HEADER.upper().replace('-', '_')}"
_ANONYMOUS = Principal("anonymous", Identity())


def install(cloud: Cloud) -> None:
    """/_local/access-denied shows the latest denials, /_local/authorizations the kinds of accesses decided so far."""
    authorization = Authorization(cloud.account, cloud.clock.now)
    cloud.admin_routes["access-denied"] = lambda _method, _body: list(cloud.denied)
    cloud.admin_routes["authorizations"] = lambda _method, _body: authorization.records.listed()
    cloud.authorization, cloud.permits = authorization, permissions(cloud, authorization)
    _remember_durations(cloud)
    simulation.install(cloud, authorization.principals)
    deliveries.install(cloud, authorization)


def middleware(cloud: Cloud, app: "WSGIApplication") -> "WSGIApplication":
    """Only requests that are signed well and allowed get through."""
    return _Gate(cloud, app)


class _Gate:
    """The WSGI application in front of all services."""

    def __init__(self, cloud: Cloud, app: "WSGIApplication") -> None:
        self._cloud = cloud
        self._app = app
        self._authorization: Authorization = cloud.authorization
        self._administrator = Held(administrator(cloud.account), ADMIN_KEY)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(tuple(self._cloud.unsigned_paths)):
            return self._app(environ, start_response)
        denied_deletions.set(frozenset())
        refused = self._refusal(environ)
        if refused is None:
            return self._app(environ, start_response)
        return error_response(environ, start_response, refused.status, refused.code, refused.message)

    def _refusal(self, environ: "WSGIEnvironment") -> Refusal | None:
        signed = signature(environ)
        if signed is None:
            if named_operation(environ):  # only S3 has anything for everybody, and its requests name no operation
                return refusal(environ, "", refusals.UNSIGNED)
            signed = Signature("", self._cloud.region, "s3")
        held = self._held(signed)
        if held is None:
            return refusal(environ, signed.service, refusals.UNKNOWN_KEY)
        fault = self._fault(environ, held)
        if fault is not None:
            return refusal(environ, signed.service, fault)
        who = held.principal
        if who.is_administrator and environ.get(_CALLER):
            who = service_principal(environ[_CALLER], environ.get(_SOURCE_ARN))
        if who.is_administrator and not self._concerns_the_administrator(environ, signed):
            return None
        return self._refusal_of(environ, signed, who)

    def _held(self, signed: Signature) -> Held | None:
        if signed.access_key == ADMIN_KEY:
            return self._administrator
        if not signed.access_key:
            return Held(_ANONYMOUS, None)
        return self._authorization.principals.held(signed.access_key)

    def _fault(self, environ: "WSGIEnvironment", held: Held) -> str | None:
        """What is wrong with the credentials, whoever holds them."""
        if held.secret is None:
            return None
        if held.token is not None and signatures.session_token(environ) != held.token:
            return refusals.WRONG_TOKEN
        if held.seconds is not None and self._cloud.clock.age(held.since) >= held.seconds:
            return refusals.TOKEN_EXPIRED
        return signatures.fault(environ, held.secret, self._cloud.clock.age)

    def _concerns_the_administrator(self, environ: "WSGIEnvironment", signed: Signature) -> bool:
        """The administrator too can only assume a role that exists, and cannot use a key that is disabled."""
        is_assuming = signed.service == "sts" and named_operation(environ) == "AssumeRole"
        return is_assuming or keys.any_unusable(self._cloud.account)

    def _refusal_of(self, environ: "WSGIEnvironment", signed: Signature, who: Principal) -> Refusal | None:
        try:
            call: Call = understand(environ, signed, self._cloud.account)
        except CannotUnderstand as error:
            if who.is_administrator:
                return None
            reason = f"because the local cloud cannot tell what it is: {error}"
            return self._denied(environ, signed, Denial(who.arn, f"{signed.service}:?", "?", reason))
        denial = self._authorization.denial(who, call, str(environ.get("REMOTE_ADDR", "")))
        return self._denied(environ, signed, denial) if denial else keys.unusable(call)

    def _denied(self, environ: "WSGIEnvironment", signed: Signature, denial: Denial) -> Refusal:
        write_down(self._cloud, denial)
        fault = refusals.KEY_DENIED if denial.action.startswith("kms:") else refusals.DENIED
        return refusal(environ, signed.service, fault, str(denial))


def _remember_durations(cloud: Cloud) -> None:
    target = "moto.sts.models:STSBackend.assume_role"

    def assume_role(backend: Any, **given: Any) -> Any:
        session = original(backend, **given)
        session.seconds = given["duration"]
        return session

    original = cloud.patches.replace(target, assume_role, "forgets how long a session lasts")
