"""Sessions of roles: a row each, because every function, machine and rule makes new ones."""

from datetime import UTC
from typing import Any, Final

from localcloud.cloud import Cloud
from localcloud.durability.backends import backend_of
from localcloud.durability.kept import SAVED, is_recording

_FORGOTTEN_AFTER_SECONDS: Final = 3600.0  # whoever uses a session that is over is told so for as long


def install(cloud: Cloud) -> None:
    """A session is saved before its credentials are told."""
    sessions = _Sessions(cloud)

    def assume_role(backend: Any, *arguments: Any, **keywords: Any) -> Any:
        session = original(backend, *arguments, **keywords)
        sessions.add(session)
        return session

    target = "moto.sts.models:STSBackend.assume_role"
    original = cloud.patches.replace(target, assume_role, "tells which state a request changes")


class _Sessions:
    """What is not saved yet, by account, partition and access key; None for what is to be forgotten."""

    def __init__(self, cloud: Cloud) -> None:
        self._clock = cloud.clock
        self._unsaved: dict[tuple[str, str, str], Any] = {}
        self._kept = cloud.durable.keep("sts.sessions", dump=self._dump, load=self._load)

    def add(self, session: Any) -> None:
        """The session is saved before the request is answered."""
        if is_recording():
            self._save((session.account_id, session.partition, session.access_key_id), session)

    def _save(self, key: tuple[str, str, str], session: Any) -> None:
        self._unsaved[key] = session
        self._kept.changed(*key)

    def _dump(self, *key: str) -> Any:
        account, partition, access_key = key
        return self._unsaved.pop((account, partition, access_key), SAVED)

    def _load(self, session: Any, account: str, partition: str, access_key: str) -> None:
        if self._clock.age(session.expiration.replace(tzinfo=UTC).timestamp()) > _FORGOTTEN_AFTER_SECONDS:
            self._save((account, partition, access_key), None)
        else:
            backend_of("sts", account, partition).assumed_roles.append(session)
