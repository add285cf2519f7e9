"""64-bit words that are written often and read seldom: in memory while they are few, in a temporary file beyond."""

from typing import IO, Final

import numpy as np

from trimtab.data.hashing import Words

MOST_HELD: Final = 1 << 21
"""Words that are kept in memory: 16 MB."""
_WORD: Final = np.dtype("<u8")


class SpilledWords:
    """Words in the order in which they came."""

    def __init__(self) -> None:
        self._held: list[Words] = []
        self._held_count = 0
        self._file: IO[bytes] | None = None

    def append(self, words: Words) -> None:
        """The words follow."""
        self._held.append(words)
        self._held_count += len(words)
        if self._held_count > MOST_HELD:
            self._spill()

    def extend(self, other: "SpilledWords") -> None:
        """The words of ``other`` follow."""
        if other._file is not None:
            self._spill()
            other._file.seek(0)
            while block := other._file.read(1 << 20):
                self._opened().write(block)
        for words in other._held:
            self.append(words)

    def all(self) -> Words:
        """All words; those in the file are read where they are looked at."""
        if self._file is None:
            return np.concatenate([np.zeros(0, np.uint64), *self._held])
        self._spill()
        self._file.flush()
        return np.memmap(self._file, _WORD, "r") if self._file.tell() else np.zeros(0, np.uint64)

    def _spill(self) -> None:
        for words in self._held:
            self._opened().write(words.astype(_WORD, copy=False).data)
        self._held, self._held_count = [], 0

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            import tempfile  # 15 ms, which a table with few unique texts need not pay

            self._file = tempfile.TemporaryFile(prefix="unique-")  # noqa: SIM115 - lives as long as the words
        return self._file
