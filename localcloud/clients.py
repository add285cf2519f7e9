"""boto3 clients against this server: as its administrator, or as a role that a service assumes."""

import threading
import time
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

ADMIN_KEY = "test"
CALLER_HEADER = "X-Localcloud-Caller"
SOURCE_ARN_HEADER = "X-Localcloud-Source-Arn"
_RENEW_BEFORE_EXPIRY_SECONDS = 60
_SESSION_SECONDS = 3600
_HELD_SECONDS = 10 * 365 * 24 * 3600  # what a service holds, it renews in time, also when the clock jumps
_CONFIG = Config(
    retries={"total_max_attempts": 1},
    parameter_validation=False,
    max_pool_connections=50,
    inject_host_prefix=False,
    read_timeout=900,
    s3={"addressing_style": "path"},
)


@dataclass(frozen=True)
class Credentials:
    """Keys of an assumed role, or the administrator's (then without a token)."""

    access_key: str
    secret_key: str
    token: str | None
    expires_at: float = float("inf")


_ADMIN = Credentials(ADMIN_KEY, ADMIN_KEY, None)


_Key = tuple[str, str, str, str | None, str | None]


class Clients:
    """Makes and keeps clients; safe to use from any thread."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._endpoint = endpoint
        self._region = region
        self._lock = threading.RLock()
        self._session: Any = boto3.Session(ADMIN_KEY, ADMIN_KEY, region_name=region)
        self._clients: dict[_Key, Any] = {}
        self._roles: dict[tuple[str, str, str, str | None], Credentials] = {}

    def admin(self, service: str, region: str | None = None) -> Any:
        """A client that bypasses IAM, without retries."""
        return self._client(service, region, _ADMIN)

    def as_role(
        self,
        role_arn: str,
        service_principal: str,
        session_name: str,
        service: str,
        region: str | None = None,
        source_arn: str | None = None,
    ) -> Any:
        """A client with the credentials of a role that `service_principal` assumes; see `role_credentials`."""
        credentials = self.role_credentials(role_arn, service_principal, session_name, source_arn)
        return self._client(service, region, credentials)

    def as_service(
        self, service_principal: str, service: str, region: str | None = None, source_arn: str | None = None
    ) -> Any:
        """A client for an AWS service that acts in its own name, for the resource `source_arn`.

        While IAM is enforced, resource policies and key policies decide what it may do (an EventBridge rule sends to
        a queue whose policy names events.amazonaws.com, an alarm publishes to a topic).
        """
        return self._client(service, region, _ADMIN, service_principal, source_arn)

    def role_credentials(
        self, role_arn: str, service_principal: str, session_name: str, source_arn: str | None = None
    ) -> Credentials:
        """Credentials of a role assumed by a service, kept until a minute before they expire.

        Raises botocore's ClientError AccessDenied when the role's trust policy does not let the service in
        (while IAM is enforced), NoSuchEntity when there is no such role.
        """
        key = (role_arn, service_principal, session_name, source_arn)
        with self._lock:
            held = self._roles.get(key)
        if held is None or held.expires_at < time.time() + _RENEW_BEFORE_EXPIRY_SECONDS:
            held = self._assume(role_arn, service_principal, session_name, source_arn)
            self._keep(key, held)
        return held

    def _assume(self, role_arn: str, principal: str, session_name: str, source_arn: str | None) -> Credentials:
        self.admin("iam").get_role(RoleName=role_arn.rsplit("/", 1)[-1])  # moto assumes roles that do not exist
        sts = self.as_service(principal, "sts", source_arn=source_arn)
        answer = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name[:64], DurationSeconds=_HELD_SECONDS)[
            "Credentials"
        ]
        return Credentials(
            answer["AccessKeyId"],
            answer["SecretAccessKey"],
            answer["SessionToken"],
            time.time() + _SESSION_SECONDS,
        )

    def _keep(self, key: tuple[str, str, str, str | None], credentials: Credentials) -> None:
        with self._lock:
            replaced = self._roles.get(key)
            self._roles[key] = credentials
            if replaced is not None:
                self._clients = {k: c for k, c in self._clients.items() if k[2] != replaced.access_key}

    def _client(
        self,
        service: str,
        region: str | None,
        credentials: Credentials,
        caller: str | None = None,
        source_arn: str | None = None,
    ) -> Any:
        key = (service, region or self._region, credentials.access_key, caller, source_arn)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._new_client(service, region, credentials)
                if caller is not None:
                    _name_caller(self._clients[key], caller, source_arn)
            return self._clients[key]

    def _new_client(self, service: str, region: str | None, credentials: Credentials) -> Any:
        return self._session.client(
            service,
            region_name=region or self._region,
            endpoint_url=self._endpoint,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.token,
            config=_CONFIG,
        )


def _name_caller(client: Any, caller: str, source_arn: str | None) -> None:
    """Every request of the client says which service makes it, and for which resource."""

    def add_headers(request: Any, **_event: Any) -> None:
        request.headers[CALLER_HEADER] = caller
        if source_arn is not None:
            request.headers[SOURCE_ARN_HEADER] = source_arn

    client.meta.events.register("before-sign", add_headers)
