"""Who an access key belongs to, and all policies that are attached to them, read from moto's records."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from localcloud.iam.decision import Principal
from localcloud.iam.policies import Document, Identity, parse


@dataclass(frozen=True)
class Held:
    """Credentials: who holds them, their secret and token; a session began at real time `since`, for `seconds`."""

    principal: Principal
    secret: str | None
    token: str | None = None
    since: float = 0.0
    seconds: float | None = None


class Principals:
    """Finds principals of one account; sessions are indexed by their access keys."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._sessions: dict[str, Any] = {}
        self._indexed = 0
        self._lock = threading.Lock()

    def by_access_key(self, key: str) -> Principal | None:
        """The role session or user that holds the key; None when nobody does."""
        found = self.held(key)
        return None if found is None else found.principal

    def held(self, key: str) -> Held | None:
        """The credentials that begin with the key; None when nobody holds it."""
        session = self._session(key)
        if session is not None:
            return self._held_by_session(session)
        for user in list(self._iam.users.values()):
            for one in user.access_keys:
                if one.access_key_id == key and one.status == "Active":
                    return Held(self._user(user), one.secret_access_key)
        return None

    def role(self, arn: str) -> Any | None:
        """moto's record of a role; None when there is none of that ARN."""
        return next((one for one in list(self._iam.roles.values()) if one.arn == arn), None)

    @property
    def _iam(self) -> Any:
        from moto.iam.models import iam_backends

        return iam_backends[self._account]["aws"]

    def _session(self, key: str) -> Any | None:
        from moto.sts.models import sts_backends

        with self._lock:
            made = sts_backends[self._account]["aws"].assumed_roles
            for session in made[self._indexed :]:
                self._sessions[session.access_key_id] = session
            self._indexed = len(made)
            return self._sessions.get(key)

    def _held_by_session(self, session: Any) -> Held | None:
        role = self.role(session.role_arn)
        if role is None:
            return None
        seconds = float(session.seconds)
        since = session.expiration.replace(tzinfo=UTC).timestamp() - seconds
        return Held(self.of_role(role, session), session.secret_access_key, session.session_token, since, seconds)

    def of_role(self, role: Any, session: Any = None) -> Principal:
        """The role itself, or its session."""
        arn = role.arn if session is None else session.arn
        return Principal(
            arn=arn,
            identity=Identity(frozenset({role.arn, arn}), self._account),
            policies=tuple(_documents(role)),
            boundary=self._boundary(role),
            session=(parse(session.policy),) if session is not None and session.policy else None,
            tags=_tags(role),
            role_arn=role.arn,
            user_id=f"{role.id}:{arn.rpartition('/')[2]}",
        )

    def _user(self, user: Any) -> Principal:
        documents = list(_documents(user))
        for group in self._iam.get_groups_for_user(user.name):
            documents.extend(_documents(group))
        return Principal(
            user.arn,
            Identity(frozenset({user.arn}), self._account),
            tuple(documents),
            tags=self._iam.tagger.get_tag_dict_for_resource(user.arn),
            user_id=user.id,
        )

    def _boundary(self, role: Any) -> tuple[Document, ...] | None:
        arn = role.permissions_boundary_arn
        return (_managed(self._iam.managed_policies[arn]),) if arn else None


def administrator(account: str) -> Principal:
    """Whoever holds the administrator's key."""
    everything: Document = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    return Principal(
        f"arn:aws:iam::{account}:root", Identity(frozenset(), account), (everything,), is_administrator=True
    )


def service_principal(service: str, source_arn: str | None) -> Principal:
    """An AWS service that acts for a resource; it has no policies of its own."""
    return Principal(service, Identity(frozenset(), "", service), source_arn=source_arn)


def _documents(holder: Any) -> Iterable[Document]:
    for text in list(holder.policies.values()):
        yield parse(text)
    for policy in list(holder.managed_policies.values()):
        yield _managed(policy)


def _managed(policy: Any) -> Document:
    default = next((one for one in policy.versions if one.is_default), policy.versions[0])
    return parse(default.document)


def _tags(role: Any) -> dict[str, str]:
    tags = role.tags or []
    pairs = tags.values() if isinstance(tags, dict) else tags
    return {tag["Key"]: tag["Value"] for tag in pairs}
