"""Which characters the bytes of a file stand for, found out while they are read: every byte is checked, none twice.

    UTF-8         the rule; its mark (BOM) is skipped
    UTF-16, -32   by their marks; UTF-16 without one by the zero bytes of its Latin letters
    Windows-1252  a guess for what cannot be UTF-8: no byte that it leaves undefined or hardly uses, no control
                  characters, no sequence that is valid UTF-8, never four accented characters in a row, as other
                  alphabets have

A file that is none of these is refused at its first wrong byte. The guess is made where the first byte stands that is
no UTF-8; what came before it is ASCII, the same in both, so nothing has to be read again.
"""

import codecs
import re
from typing import Final

import numpy as np

from trimtab.data.reading import UTF_8, WINDOWS
from trimtab.errors import DataError

MARKS: Final = {
    b"\xef\xbb\xbf": UTF_8,
    b"\xff\xfe\x00\x00": "utf-32-le",
    b"\x00\x00\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}
_CODECS: Final = {WINDOWS: "cp1252"}
_HEAD_BYTES: Final = 4096
_NOT_WINDOWS: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x81\x8d\x8f\x90\x9d\x83\x86-\x89\x98]|[\x80-\xff]{4}")


def codec_of(encoding: str) -> str:
    """Python's name of an encoding."""
    return _CODECS.get(encoding, encoding)


def mark_of(head: bytes) -> tuple[str, int] | None:
    """The encoding that a mark at the head of a file names, and the mark's length."""
    return next(((name, len(mark)) for mark, name in MARKS.items() if head.startswith(mark)), None)


class Utf8:
    """Bytes of any encoding as UTF-8, block by block. Raises DataError at what is no text of any kind."""

    def __init__(self, head: bytes, declared: str | None) -> None:
        marked = mark_of(head)
        self.mark_bytes = marked[1] if marked else 0
        """How long the file's mark is; it is not to be taken."""
        self.encoding = _declared(declared, marked) or (marked[0] if marked else _unmarked(head))
        self._decoder = codecs.getincrementaldecoder(codec_of(self.encoding))()
        self._may_guess = declared is None and self.encoding == UTF_8 and not marked
        self._taken = self.mark_bytes
        self._wide = False
        """Whether a character of several bytes was read as UTF-8."""
        self._guessing: DataError | None = None
        self._last = b""
        """The end of a block that its next one decides on."""

    def take(self, block: bytes) -> bytes:
        """The next bytes, none at the end, as UTF-8; what is cut in the middle of a character comes with the next."""
        if self._guessing:
            text = self._windows(block)
        elif self.encoding == UTF_8 and block.isascii() and block and not self._last:
            text = block
        elif self.encoding == UTF_8:
            text = self._utf_8(block)
        else:
            text = self._decoded(block).encode()
        self._taken += len(block)
        return text

    def _utf_8(self, block: bytes) -> bytes:
        joined = self._last + block
        try:
            self._wide |= not self._decoder.decode(block, final=not block).isascii()
        except UnicodeDecodeError as error:
            wrong = self._wrong(error)
            if not self._may_guess or not block or self._wide or _is_wide(joined[: error.start]):
                raise wrong from error
            self.encoding, self._guessing, self._last = WINDOWS, wrong, b""
            return self._windows(joined)
        self._last = self._decoder.getstate()[0]
        return joined[: len(joined) - len(self._last)]

    def _decoded(self, block: bytes) -> str:
        try:
            text = self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise self._wrong(error) from error
        self._last = self._decoder.getstate()[0]
        return text

    def _wrong(self, error: UnicodeDecodeError) -> DataError:
        place = self._taken - len(self._last) + error.start + 1
        return DataError(f"byte {place:,} of the file is not {_title(self.encoding)}: save the file as UTF-8")

    def _windows(self, block: bytes) -> bytes:
        joined = self._last + block
        if _NOT_WINDOWS.search(joined) and self._guessing:
            raise self._guessing
        self._last = joined[-3:]
        return block.decode(codec_of(WINDOWS)).encode()


def _declared(declared: str | None, marked: tuple[str, int] | None) -> str | None:
    """What the spec says, in the byte order that the file says."""
    if declared is None:
        return None
    if marked and not marked[0].startswith(declared):
        raise DataError(f"the file's mark says {marked[0]} and model.yaml says {declared}", rule="encoding")
    return marked[0] if marked else {"utf-16": "utf-16-le"}.get(declared, declared)


def _unmarked(head: bytes) -> str:
    """UTF-16 when every second byte is zero, as in text of Latin letters, else UTF-8."""
    zeros = np.frombuffer(head[:_HEAD_BYTES], np.uint8) == 0
    if len(zeros) >= 4 and zeros.any():
        first, second = float(zeros[0::2].mean()), float(zeros[1::2].mean())
        if first < 0.1 and second > 0.6:
            return "utf-16-le"
        if second < 0.1 and first > 0.6:
            return "utf-16-be"
    return UTF_8


def _is_wide(text: bytes) -> bool:
    return not text.decode(errors="ignore").isascii()


def _title(encoding: str) -> str:
    return encoding.upper() if encoding.startswith("utf") else encoding
