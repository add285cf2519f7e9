"""Durability of one running cloud: its parts, saving them, and loading them again at the next start."""

import pickle
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from localcloud.durability.kept import Kept
from localcloud.durability.pickling import Codec
from localcloud.durability.store import Key, Store

_FLUSH_SECONDS = 0.05
_SEEN_EVERY_SECONDS = 1.0
_LATE_SECONDS = 5.0  # how long the thread that says that this process is alive may be kept from it
_SEEN = "seen"
_ATTEMPTS = 5
_CANNOT_BE_KEPT = (pickle.PicklingError, TypeError, AttributeError, RecursionError)


class Durable:
    """Keeps the parts that services register. See docs/adr for what is promised and how.

    `last_seen` is the latest real moment at which an earlier process may have been alive.
    """

    def __init__(self, folder: Path, moto_version: str) -> None:
        self.store = Store(folder, moto_version)
        self.codec = Codec(self.store)
        self.not_kept: dict[str, str] = {}
        self.wrote: Callable[[str, str], None] = lambda _service, _region: None
        self.had_state = bool(self.store.parts())
        self.last_seen = self._last_seen()
        self._parts: dict[str, Kept] = {}
        self._last: dict[str, dict[Key, int]] = {}
        self._before_load: list[Callable[[], None]] = []
        self._after_load: list[Callable[[], None]] = []
        self._restarts: list[Callable[[], None]] = []
        self._soon: dict[Kept, None] = {}
        self._marking = threading.Lock()
        self._something = threading.Event()

    def keep(
        self,
        name: str,
        *,
        dump: Callable[..., Any],
        load: Callable[..., None],
        lock: AbstractContextManager[Any] | None = None,
        compare: bool = False,
    ) -> Kept:
        """A new part: `dump(*key)` gives a row to keep (None: none), `load(row, *key)` takes it at the next start.

        `lock` is held while a row is dumped and pickled. With `compare` a row is only written when it is another
        than the last; for few rows that are marked more often than they change.
        """
        if name in self._parts:
            raise ValueError(f"{name} is already kept")
        part = self._parts[name] = Kept(self, name, dump, load, lock)
        if compare:
            self._last[name] = {}
        return part

    def before_load(self, action: Callable[[], None]) -> None:
        """`action` is called before anything is loaded; it may register more parts."""
        self._before_load.append(action)

    def after_load(self, action: Callable[[], None]) -> None:
        """`action` is called when everything is loaded, before anything is served; also when nothing was kept."""
        self._after_load.append(action)

    def on_restart(self, action: Callable[[], None]) -> None:
        """`action` is called in a thread of its own after a start with an earlier state, once the server answers."""
        self._restarts.append(action)

    def load(self) -> None:
        """Every part is as it was when it was last saved."""
        for action in self._before_load:
            action()
        for part in list(self._parts.values()):
            for key, value in self.store.rows(part.name):
                part.load(self.codec.loads(value), *key)
        self.store.forget_blobs_except(self.codec.used_blobs)
        for action in self._after_load:
            action()

    def start(self, stopping: threading.Event) -> None:
        """What is changed outside of requests is saved from now on; what an earlier run has left is taken up."""
        threading.Thread(target=self._flush_for_ever, args=(stopping,), name="durability", daemon=True).start()
        for action in self._restarts if self.had_state else []:
            threading.Thread(target=action, name="restart", daemon=True).start()

    def settle(self, touched: dict[Kept, None]) -> None:
        """What a request has changed survives the end of this process."""
        for part in list(touched):
            part.save()
        if touched:
            self.store.commit()

    def put(self, part: str, key: Key, value: object) -> None:
        """The row is in the store, to be committed; one that cannot be kept is reported, once for each part."""
        try:
            data = None if value is None else self._pickled(value)
        except _CANNOT_BE_KEPT as error:
            self._report(part, error)
        else:
            if self._is_new(part, key, data):
                self.store.put(part, key, data)

    def save_soon(self, part: Kept) -> None:
        """The part is saved by the thread in the background."""
        with self._marking:
            self._soon[part] = None
        self._something.set()

    def flush(self, late_seconds: float = _LATE_SECONDS) -> None:
        """What was changed outside of requests is saved, and that this process is alive."""
        with self._marking:
            parts, self._soon = self._soon, {}
        for part in parts:
            part.save()
        self.put(_SEEN, (), time.time() + late_seconds)
        self.store.commit()

    def close(self) -> None:
        """Everything is saved and the store is closed."""
        self.flush(late_seconds=0.0)
        self.store.close()

    def _last_seen(self) -> float:
        return max((self.codec.loads(value) for _key, value in self.store.rows(_SEEN)), default=time.time())

    def _is_new(self, part: str, key: Key, data: bytes | None) -> bool:
        last = self._last.get(part)
        if last is None:
            return True
        before, last[key] = last.get(key), hash(data)
        return before != last[key]

    def _report(self, part: str, error: Exception) -> None:
        if part not in self.not_kept:
            self.not_kept[part] = f"{type(error).__name__}: {error}"
            print(f"{part} does not survive a restart: {self.not_kept[part]}", file=sys.stderr, flush=True)

    def _pickled(self, value: object) -> bytes:
        """Threads may change the value meanwhile; whoever does so marks it once more, so it is only tried again."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return self.codec.dumps(value)
            except RuntimeError as error:  # "dictionary changed size during iteration"
                if isinstance(error, RecursionError):
                    raise
        return self.codec.dumps(value)

    def _flush_for_ever(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self._something.wait(_SEEN_EVERY_SECONDS)
            stopping.wait(_FLUSH_SECONDS)
            self._something.clear()
            try:
                self.flush()
            except Exception:  # one failed flush must not end the saving of all
                traceback.print_exc()
