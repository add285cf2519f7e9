"""The state directory's database: rows of bytes by part and key, and large values once each as files.

What was handed to the operating system outlives a killed process, so nothing waits for the disk (`synchronous=OFF`):
a loss of power may lose the latest writes, kill -9 does not.
"""

import hashlib
import json
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from localcloud import StartupError

FORMAT = 1
Key = tuple[str | int, ...]
_FILE = "state.db"
_MOST_FREE_BYTES = 16 * 1024 * 1024
_SCHEMA = """
CREATE TABLE IF NOT EXISTS format (number INTEGER, moto TEXT);
CREATE TABLE IF NOT EXISTS rows (part TEXT, key TEXT, value BLOB, UNIQUE (part, key));
"""
_WRITE = (
    "INSERT INTO rows (part, key, value) VALUES (?, ?, ?) ON CONFLICT (part, key) DO UPDATE SET value = excluded.value"
)


class Store:
    """Safe to use from any thread. Whoever commits, commits for everybody who has put a row by then."""

    def __init__(self, folder: Path, moto_version: str) -> None:
        moto_version = f"{moto_version}, Python {sys.version_info.major}.{sys.version_info.minor}"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._blobs = folder / "blobs"
        self._blobs.mkdir(exist_ok=True)
        self._database = sqlite3.connect(folder / _FILE, check_same_thread=False, isolation_level=None)
        self._database.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {_SCHEMA}")
        self._require_own_format(folder, moto_version)
        self._compact()
        self._pending: dict[tuple[str, str], bytes | None] = {}
        self._put_count = 0
        self._committed = 0
        self._pending_lock = threading.Lock()
        self._commit_lock = threading.Lock()

    def put(self, part: str, key: Key, value: bytes | None) -> None:
        """The row is committed with the next commit; None removes it."""
        name = (part, json.dumps(key))
        with self._pending_lock:
            self._pending[name] = value
            self._put_count += 1

    def commit(self) -> None:
        """Everything that was put before this call survives the end of the process."""
        with self._pending_lock:
            wanted = self._put_count
        with self._commit_lock:
            if self._committed >= wanted:
                return
            with self._pending_lock:
                batch, self._pending, reached = self._pending, {}, self._put_count
            try:
                self._write(batch)
            except sqlite3.Error:
                with self._pending_lock:
                    self._pending = batch | self._pending
                raise
            self._committed = reached

    def rows(self, part: str) -> Iterator[tuple[Key, bytes]]:
        """The rows of a part, in the order in which they were first written."""
        found = self._database.execute("SELECT key, value FROM rows WHERE part = ? ORDER BY rowid", (part,))
        for key, value in found.fetchall():
            yield tuple(json.loads(key)), value

    def parts(self) -> set[str]:
        """The names of all parts that have rows."""
        return {name for (name,) in self._database.execute("SELECT DISTINCT part FROM rows")}

    def put_blob(self, content: bytes) -> str:
        """The content is in a file; returns its name, which is the same for the same content."""
        name = hashlib.sha256(content).hexdigest()
        path = self._blobs / name
        if not path.exists():
            partial = self._blobs / f"{name}.{threading.get_ident()}"
            partial.write_bytes(content)
            partial.replace(path)
        return name

    def blob_path(self, name: str) -> Path:
        """Where a blob's content is."""
        return self._blobs / name

    def forget_blobs_except(self, used: set[str]) -> None:
        """Only the files of `used` are left."""
        for path in self._blobs.iterdir():
            if path.name not in used:
                path.unlink()

    def close(self) -> None:
        """Everything is committed, and the file is closed."""
        self.commit()
        with self._commit_lock:
            self._database.close()

    def _write(self, batch: dict[tuple[str, str], bytes | None]) -> None:
        written = [(part, key, value) for (part, key), value in batch.items() if value is not None]
        removed = [name for name, value in batch.items() if value is None]
        self._database.execute("BEGIN")
        try:
            self._database.executemany(_WRITE, written)
            self._database.executemany("DELETE FROM rows WHERE part = ? AND key = ?", removed)
        except sqlite3.Error:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _compact(self) -> None:
        """The file is not much larger than what is in it."""
        size, free = (self._pragma(name) for name in ("page_count", "freelist_count"))
        if free * 2 > size and free * self._pragma("page_size") > _MOST_FREE_BYTES:
            self._database.execute("VACUUM")

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"PRAGMA {name}").fetchone()[0])

    def _require_own_format(self, folder: Path, moto_version: str) -> None:
        found = self._database.execute("SELECT number, moto FROM format").fetchone()
        if found is None:
            self._database.execute("INSERT INTO format VALUES (?, ?)", (FORMAT, moto_version))
        elif found != (FORMAT, moto_version):
            raise StartupError(
                f"The state in {folder.parent} was written by another version (format {found[0]}, moto {found[1]}; "
                f"this one is format {FORMAT}, moto {moto_version}): start with --fresh, which sets it aside."
            )


def set_aside(state_dir: Path) -> Path | None:
    """An earlier state is now `state.old`, which is returned; None when there was none. One before it is gone."""
    folder, aside = state_dir / "state", state_dir / "state.old"
    if not folder.exists():
        return None
    if aside.exists():
        shutil.rmtree(aside)
    return folder.rename(aside)
