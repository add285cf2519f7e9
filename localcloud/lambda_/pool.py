"""Warm execution environments that wait for their next invocation, and how long they may."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from localcloud.lambda_.environment import Environment
from localcloud.lambda_.specification import FunctionSpec

IDLE_SECONDS = 300.0


@dataclass
class Pool:
    """Idle environments; those of one specification are used last in, first out."""

    memory_budget_mb: int
    _idle: dict[FunctionSpec, list[Environment]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, spec: FunctionSpec) -> Environment | None:
        """An idle environment, now the caller's. Those of other specifications of the same version have ended."""
        with self._lock:
            outdated = self._remove(lambda other, _: other.arn == spec.arn and other != spec)
            environment = self._pop_usable(spec, outdated)
        for one in outdated:
            one.close()
        return environment

    def give_back(self, spec: FunctionSpec, environment: Environment) -> None:
        """The environment waits for the next invocation."""
        with self._lock:
            self._idle.setdefault(spec, []).append(environment)

    def retire(self, arn_prefix: str) -> None:
        """No environment of a function (all its versions) waits any longer."""
        with self._lock:
            retired = self._remove(lambda spec, _: spec.arn == arn_prefix or spec.arn.startswith(f"{arn_prefix}:"))
        for environment in retired:
            environment.close()

    def reap(self) -> None:
        """Environments that waited too long, and the longest waiting ones above the memory budget, have ended."""
        oldest_allowed = time.monotonic() - IDLE_SECONDS
        with self._lock:
            ended = self._remove(lambda _, one: one.idle_since < oldest_allowed or not one.alive)
            ended += self._over_budget()
        for environment in ended:
            environment.close()

    def _over_budget(self) -> list[Environment]:
        waiting = sorted((one for group in self._idle.values() for one in group), key=lambda one: one.idle_since)
        sizes = {id(one): one.resident_mb() for one in waiting}
        excess = sum(sizes.values()) - self.memory_budget_mb
        too_many = set()
        for one in waiting:
            if excess <= 0:
                break
            excess -= sizes[id(one)]
            too_many.add(id(one))
        return self._remove(lambda _, one: id(one) in too_many)

    def _pop_usable(self, spec: FunctionSpec, unusable: list[Environment]) -> Environment | None:
        idle = self._idle.get(spec, [])
        while idle:
            environment = idle.pop()
            if environment.alive and environment.expires_at > time.time():
                return environment
            unusable.append(environment)
        return None

    def _remove(self, condition: Callable[[FunctionSpec, Environment], bool]) -> list[Environment]:
        removed = []
        for spec in list(self._idle):
            group = self._idle[spec]
            removed += [one for one in group if condition(spec, one)]
            kept = [one for one in group if not condition(spec, one)]
            if kept:
                self._idle[spec] = kept
            else:
                del self._idle[spec]
        return removed
