"""The copies of requests that wait for a shadow variant, so that nobody who asked waits for it."""

import queue
import threading
import traceback
from collections.abc import Callable

_WORKERS = 4
_MOST_WAITING = 1000


class Mirror:
    """A few threads that carry out what was submitted; a shadow that cannot keep up loses requests."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Callable[[], None]] = queue.Queue(_MOST_WAITING)
        self._starting = threading.Lock()
        self._started = False

    def submit(self, ask: Callable[[], None]) -> None:
        """`ask` is called soon, or never when too many are waiting."""
        with self._starting:
            for _ in () if self._started else range(_WORKERS):
                threading.Thread(target=self._work, name="shadow", daemon=True).start()
            self._started = True
        if not self._waiting.full():
            self._waiting.put(ask)

    def _work(self) -> None:
        while True:
            ask = self._waiting.get()
            try:
                ask()
            except Exception:  # one lost copy must not end the copying of all
                traceback.print_exc()
