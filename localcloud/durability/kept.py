"""What is kept: parts of the cloud's state, saved row by row after they changed and before the change is answered."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from localcloud.durability.store import Key

if TYPE_CHECKING:
    from localcloud.durability.durable import Durable

SAVED = object()  # what `dump` answers when the row is as it was last saved
_thread = threading.local()


@contextlib.contextmanager
def recording(service: str) -> Iterator[dict["Kept", None]]:
    """The parts that this thread changes meanwhile, while it handles a request to the service that writes."""
    touched: dict[Kept, None] = {}
    _thread.touched, _thread.service = touched, service
    try:
        yield touched
    finally:
        _thread.touched = None


def is_recording() -> bool:
    """Whether this thread handles a request that writes."""
    return getattr(_thread, "touched", None) is not None


def recorded_service() -> str | None:
    """The service whose request this thread handles, when the request writes."""
    return _thread.service if is_recording() else None


class Kept:
    """One part of the state: rows by key, of which a part without keys has one."""

    def __init__(
        self,
        durable: "Durable",
        name: str,
        dump: Callable[..., Any],
        load: Callable[..., None],
        lock: AbstractContextManager[Any] | None,
    ) -> None:
        self.name = name
        self.load = load
        self._durable = durable
        self._dump = dump
        self._lock = lock or contextlib.nullcontext()
        self._changed: dict[Key, None] = {}
        self._marking = threading.Lock()
        self._saving = threading.Lock()

    def changed(self, *key: str | int) -> None:
        """The row is saved soon, and before the answer to the request that this thread is handling."""
        with self._marking:
            self._changed[key] = None
        self._wait_for_it()

    def append(self, value: object, *key: str | int) -> None:
        """A row that never changes is saved soon; for parts that only grow."""
        self._durable.put(self.name, key, value)
        self._wait_for_it()

    def save(self) -> None:
        """Every change that was marked before this call is in the store, to be committed."""
        with self._saving:
            with self._marking:
                keys, self._changed = self._changed, {}
            if keys:
                with self._lock:
                    for key in keys:
                        self._save_row(key)

    def _save_row(self, key: Key) -> None:
        value = self._dump(*key)
        if value is not SAVED:
            self._durable.put(self.name, key, value)

    def _wait_for_it(self) -> None:
        touched = getattr(_thread, "touched", None)
        if touched is None:
            self._durable.save_soon(self)
        else:
            touched[self] = None
