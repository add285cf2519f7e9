"""How many invocations may run at once."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

# AWS gives an account 1000 by default; each is a process here
ACCOUNT_LIMIT = 100


class Throttled(Exception):
    """An invocation over a limit; `reason` is AWS's name for the limit."""

    def __init__(self, reason: str) -> None:
        super().__init__("Rate Exceeded.")
        self.reason = reason


class Concurrency:
    """Counts running invocations by function."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, function: str, reserved: int | None) -> Iterator[int]:
        """One more invocation of `function` runs; gives how many do. Raises Throttled above a limit."""
        with self._lock:
            if reserved is not None and self._running[function] >= reserved:
                raise Throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
            if self._running.total() >= ACCOUNT_LIMIT:
                raise Throttled("ConcurrentInvocationLimitExceeded")
            self._running[function] += 1
            count = self._running[function]
        try:
            yield count
        finally:
            with self._lock:
                self._running[function] -= 1
