"""An endpoint that nobody needs at night: taken down on time, and made again on what it served.

A rollout is never disturbed, and only an endpoint that the ledger says was put to sleep is woken: one that was deleted
by hand stays a disagreement for people to look at. Calls come late and in any order: one from before the last change is
over.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from trimtab.errors import EndpointNotReady
from trimtab.ledger.kinds import ENDPOINT_SLEPT, ENDPOINT_WOKEN
from trimtab.ports import Endpoints, Entry, Ledger
from trimtab.rollout.queue import LEASE

ACTOR = "rest_endpoint"
OVER = "the call is older than what has happened since"
_CHANGING = frozenset({"Creating", "Updating", "SystemUpdating"})


@dataclass(frozen=True)
class Rest:
    """The endpoint's sleep, at one of its times."""

    endpoint: str
    at: datetime
    ledger: Ledger
    endpoints: Endpoints

    def sleep(self) -> dict[str, Any]:
        """The endpoint is gone until it is woken; not while a rollout holds the lease, or when it has failed.

        Raises EndpointNotReady while its instances change, as autoscaling has them do: Lambda asks again in a minute.
        """
        if self._is_over():
            return _told(False, OVER)
        live = self.endpoints.describe(self.endpoint)
        if live is None:
            return _told(False, "there is no endpoint")
        if self.ledger.lease_holder(LEASE) is not None:
            return _told(False, "a rollout is under way: the endpoint stays up until its next time to sleep")
        if live.status in _CHANGING:
            raise EndpointNotReady(f"{self.endpoint} is {live.status}: it goes to sleep when that has ended")
        if live.status != "InService":
            return _told(False, f"the endpoint is {live.status}")
        self._note(ENDPOINT_SLEPT, live.config, "sleeps")
        self.endpoints.delete(self.endpoint)
        return _told(True, "deleted", live.config)

    def wake(self) -> dict[str, Any]:
        """The endpoint is on its way, on the config that it slept on."""
        if self._is_over():
            return _told(False, OVER)
        config = self._slept_on()
        if config is None:
            return _told(False, "the endpoint was not put to sleep")
        if self.endpoints.describe(self.endpoint) is not None:
            self._note(ENDPOINT_WOKEN, config, "was there already")
            return _told(False, "the endpoint is there")
        self.endpoints.create(self.endpoint, config)
        self._note(ENDPOINT_WOKEN, config, "wakes")
        return _told(True, "created", config)

    def _is_over(self) -> bool:
        """Whether the endpoint was put to sleep or woken by a later call than this one."""
        return self._newest is not None and self._newest.at > self.at

    def _slept_on(self) -> str | None:
        newest = self._newest
        return str(newest.data["config"]) if newest is not None and newest.kind == ENDPOINT_SLEPT else None

    @cached_property
    def _newest(self) -> Entry | None:
        found = [entry for entry in self.ledger.entries("endpoint.") if entry.kind in (ENDPOINT_SLEPT, ENDPOINT_WOKEN)]
        return found[-1] if found else None

    def _note(self, kind: str, config: str, what: str) -> None:
        data = {"endpoint": self.endpoint, "config": config, "summary": f"{self.endpoint} {what}"}
        self.ledger.append(kind, self.endpoint, data, self.at, ACTOR)


def _told(done: bool, reason: str, config: str = "") -> dict[str, Any]:
    return {"done": done, "reason": reason, "config": config}
