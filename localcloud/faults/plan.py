"""A fault plan: which calls, events and work fail, how, and when. Decisions follow from the seed alone."""

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

ROLE_SESSIONS = "arn:aws:sts::*:assumed-role/*"
_HASH_RANGE = 2.0**64
_NUMBERS = frozenset({"probability", "skip", "times", "from_seconds", "until_seconds", "seconds", "status"})


class Kind(StrEnum):
    """What a fault does."""

    THROTTLE = "throttle"
    ERROR = "error"
    LOST_ANSWER = "lost_answer"
    LATENCY = "latency"
    KILL_CALLER = "kill_caller"
    DROP = "drop"
    DUPLICATE = "duplicate"
    DELAY = "delay"
    REORDER = "reorder"
    KILL = "kill"
    INTERRUPT = "interrupt"
    REFUSE_CAPACITY = "refuse_capacity"
    FAIL_ROLLBACK = "fail_rollback"
    DISABLE_KEY = "disable_key"


CALLS = frozenset({Kind.THROTTLE, Kind.ERROR, Kind.LOST_ANSWER, Kind.LATENCY, Kind.KILL_CALLER})
EVENTS = frozenset({Kind.DROP, Kind.DUPLICATE, Kind.DELAY, Kind.REORDER})


@dataclass(frozen=True)
class Target:
    """What a fault may strike: a call, an event (source, detail type) or a piece of work, and what it is about."""

    service: str
    operation: str
    resources: tuple[str, ...] = ()
    principal: str = ""


@dataclass(frozen=True)
class Fault:
    """One line of a plan. Names are patterns with * and ?; an empty `principal` stands for every caller.

    It strikes each matching target with `probability`, beginning with the one after the first `skip`, at most
    `times` times, from `from_seconds` to `until_seconds` after the plan was set (virtual). `seconds` is how long an
    answer is held up (real), an event is delayed (virtual), or work goes on before it is killed (real).
    """

    kind: Kind
    service: str = "*"
    operation: str = "*"
    resource: str = "*"
    principal: str = ROLE_SESSIONS
    probability: float = 1.0
    skip: int = 0
    times: int | None = None
    from_seconds: float = 0.0
    until_seconds: float | None = None
    seconds: float = 0.0
    code: str | None = None
    status: int | None = None
    message: str = "Injected by the fault plan."

    def matches(self, target: Target) -> bool:
        """Whether the fault is meant for this target."""
        return (
            fnmatchcase(target.service, self.service)
            and fnmatchcase(target.operation, self.operation)
            and (self.resource == "*" or any(fnmatchcase(one, self.resource) for one in target.resources))
            and (self.kind not in CALLS or not self.principal or fnmatchcase(target.principal, self.principal))
        )

    def is_active(self, seconds: float) -> bool:
        """Whether it may strike `seconds` after the plan was set."""
        return self.from_seconds <= seconds and (self.until_seconds is None or seconds < self.until_seconds)


@dataclass
class Plan:
    """The faults of a plan and how often each was met and struck; safe to ask from any thread."""

    faults: tuple[Fault, ...] = ()
    seed: int = 0
    met: dict[int, int] = field(default_factory=dict)
    struck: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def strikes(self, kinds: Iterable[Kind], target: Target, seconds: float) -> list[Fault]:
        """The faults of these kinds that strike the target, `seconds` after the plan was set.

        The n-th target that a fault meets is struck or spared by the plan's seed, whatever else happens.
        """
        return [fault for index, fault in self._meant_for(kinds, target, seconds) if self._draw(index, fault)]

    def _meant_for(self, kinds: Iterable[Kind], target: Target, seconds: float) -> list[tuple[int, Fault]]:
        return [
            (index, fault)
            for index, fault in enumerate(self.faults)
            if fault.kind in kinds and fault.is_active(seconds) and fault.matches(target)
        ]

    def _draw(self, index: int, fault: Fault) -> bool:
        with self._lock:
            turn = self.met.get(index, 0)
            self.met[index] = turn + 1
            struck = self.struck.get(index, 0)
            exhausted = fault.times is not None and struck >= fault.times
            if turn < fault.skip or exhausted or self.chance(index, turn) >= fault.probability:
                return False
            self.struck[index] = struck + 1
            return True

    def chance(self, index: int, turn: int) -> float:
        """A number in [0, 1) that only the seed, the fault's place in the plan and its turn decide."""
        digest = hashlib.sha256(f"{self.seed}:{index}:{turn}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / _HASH_RANGE


def parse(document: Mapping[str, Any]) -> Plan:
    """The plan that a JSON document describes: `{"seed": 7, "faults": [{"kind": "throttle", ...}]}`.

    Raises ValueError, which says what is wrong with which fault.
    """
    seed, faults = document.get("seed", 0), document.get("faults", [])
    if set(document) - {"seed", "faults"} or not isinstance(faults, list) or not isinstance(seed, int):
        raise ValueError('a fault plan is {"seed": number, "faults": [...]}')
    return Plan(tuple(_fault(number, one) for number, one in enumerate(faults, 1)), seed)


def _fault(number: int, given: Any) -> Fault:
    if not isinstance(given, dict):
        raise ValueError(f"fault {number} is {given!r}, not an object")
    names = {one.name for one in fields(Fault)}
    unknown = sorted(set(given) - names)
    if unknown:
        raise ValueError(f"fault {number}: {unknown[0]} is unknown; there are {', '.join(sorted(names))}")
    for one in fields(Fault):
        value = given.get(one.name, one.default)
        if value is not one.default and not isinstance(value, int | float if one.name in _NUMBERS else str):
            raise ValueError(f"fault {number}: {one.name} cannot be {value!r}")
    try:
        fault = Fault(**{**given, "kind": Kind(given.get("kind", ""))})
    except ValueError as error:
        kinds = ", ".join(Kind)
        raise ValueError(f"fault {number}: kind is {given.get('kind')!r}, which is none of {kinds}") from error
    if not 0 <= fault.probability <= 1:
        raise ValueError(f"fault {number}: probability is {fault.probability}, which is not between 0 and 1")
    return fault
