"""Faults on demand: a seeded plan, from a file or the local cloud's own API, of what goes wrong and when."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localcloud import StartupError
from localcloud.clock import Clock
from localcloud.faults.plan import EVENTS, Fault, Kind, Plan, Target, parse

if TYPE_CHECKING:
    from localcloud.cloud import Cloud

_KEPT_INJECTIONS = 1000


class Faults:
    """The plan in force. Services ask it before they act; without a plan it answers that nothing fails."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._plan = Plan()
        self._since = clock.now()
        self._holders: dict[str, Callable[[], None]] = {}
        self.injected: deque[dict[str, Any]] = deque(maxlen=_KEPT_INJECTIONS)

    def follow(self, plan: Plan) -> None:
        """The plan is in force from now on, instead of the one before."""
        self._plan, self._since = plan, self._clock.now()
        self.injected.clear()

    def has_any_of(self, kinds: Iterable[Kind]) -> bool:
        """Whether the plan has a fault of one of these kinds."""
        return any(fault.kind in kinds for fault in self._plan.faults)

    def strikes(self, kinds: Iterable[Kind], target: Target) -> list[Fault]:
        """The faults that strike the target now; each is written down."""
        struck = self._plan.strikes(kinds, target, self._clock.now() - self._since)
        for fault in struck:
            said = {"kind": fault.kind, "time": self._clock.utcnow().isoformat(), **asdict(target)}
            self.injected.append(said)
        return struck

    def fault(self, kind: Kind, service: str, operation: str, *resources: str) -> Fault | None:
        """The fault of one kind that strikes a piece of work, if one does."""
        struck = self.strikes((kind,), Target(service, operation, resources))
        return struck[0] if struck else None

    def arrivals(self, event: dict[str, Any]) -> list[float]:
        """After how many virtual seconds an event arrives: once at once, unless it is struck; empty when dropped."""
        target = Target(event["source"], event["detail-type"], (*event["resources"], *_texts(event["detail"])))
        arrivals = [0.0]
        for fault in self.strikes(EVENTS, target) if self.has_any_of(EVENTS) else []:
            if fault.kind == Kind.DROP:
                return []
            arrivals = self._changed(arrivals, fault)
        return arrivals

    def _changed(self, arrivals: list[float], fault: Fault) -> list[float]:
        if fault.kind == Kind.DUPLICATE:
            return [*arrivals, fault.seconds]
        if fault.kind == Kind.DELAY:
            return [seconds + fault.seconds for seconds in arrivals]
        place = self._plan.faults.index(fault)
        return [seconds + fault.seconds * self._plan.chance(place, -self._plan.struck[place]) for seconds in arrivals]

    def started(self, service: str, operation: str, resource: str, kill: Callable[[], None]) -> None:
        """A piece of work has started: when the plan says so, it will be killed."""
        fault = self.fault(Kind.KILL, service, operation, resource)
        if fault is not None:
            timer = threading.Timer(fault.seconds, kill)
            timer.daemon = True
            timer.start()

    def worker(self, access_key: str, kill: Callable[[], None]) -> None:
        """`kill` ends the process that holds these credentials."""
        self._holders[access_key] = kill

    def worker_ended(self, access_key: str) -> None:
        """The process that held these credentials is gone."""
        self._holders.pop(access_key, None)

    def kill_holder_of(self, access_key: str) -> bool:
        """The process that holds these credentials is dead; False when there is none."""
        kill = self._holders.get(access_key)
        if kill is not None:
            kill()
        return kill is not None

    def describe(self) -> dict[str, Any]:
        """The plan as it was given, how often each fault met a target and struck, and the latest injections."""
        plan = self._plan
        counts = [{"met": plan.met.get(n, 0), "struck": plan.struck.get(n, 0)} for n in range(len(plan.faults))]
        faults = [asdict(fault) | count for fault, count in zip(plan.faults, counts, strict=True)]
        return {"seed": plan.seed, "faults": faults, "injected": list(self.injected)}


def install(cloud: "Cloud", file: Path | None = None) -> None:
    """The plan in `file` is in force; /_local/faults shows the plan (GET) or sets another (POST)."""
    if file is not None:
        follow(cloud, _read(file))
    cloud.admin_routes["faults"] = lambda method, body: _route(cloud, method, body)


def follow(cloud: "Cloud", plan: Plan) -> None:
    """The plan is in force, and the keys that it disables will be disabled and enabled in time."""
    cloud.faults.follow(plan)
    for fault in plan.faults:
        if fault.kind == Kind.DISABLE_KEY:
            threading.Thread(target=_disable_key, args=(cloud, fault, cloud.clock.now()), daemon=True).start()


def _route(cloud: "Cloud", method: str, body: dict[str, Any]) -> dict[str, Any]:
    if method == "POST":
        follow(cloud, parse(body))
    return cloud.faults.describe()


def _read(file: Path) -> Plan:
    try:
        return parse(json.loads(file.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise StartupError(f"The fault plan {file} cannot be used: {error}") from error


def _disable_key(cloud: "Cloud", fault: Fault, since: float) -> None:
    """The keys that the fault names are disabled from its first to its last second, if the plan is in force by then."""
    kms = cloud.clients.admin("kms")
    cloud.clock.sleep(since + fault.from_seconds - cloud.clock.now(), cloud.stopping)
    keys = [key for key in _keys(kms) if cloud.faults.fault(Kind.DISABLE_KEY, "kms", "DisableKey", *key)]
    for key in keys:
        kms.disable_key(KeyId=key[0])
    if fault.until_seconds is not None:
        cloud.clock.sleep(since + fault.until_seconds - cloud.clock.now(), cloud.stopping)
        for key in keys:
            kms.enable_key(KeyId=key[0])


def _keys(kms: Any) -> list[tuple[str, ...]]:
    """Every key by its id, its ARN and its aliases."""
    keys = [(key["KeyId"], key["KeyArn"]) for page in _pages(kms, "list_keys") for key in page["Keys"]]
    aliases = [alias for page in _pages(kms, "list_aliases") for alias in page["Aliases"]]
    return [(*key, *(one["AliasName"] for one in aliases if one.get("TargetKeyId") == key[0])) for key in keys]


def _pages(client: Any, operation: str) -> Iterable[dict[str, Any]]:
    pages: Iterable[dict[str, Any]] = client.get_paginator(operation).paginate()
    return pages


def _texts(value: Any) -> list[str]:
    """Every text inside a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _texts(one)]
