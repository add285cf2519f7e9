"""Which characters the bytes of a file stand for: one quick pass over all of them, so that nothing is found out late.

    UTF-8         the rule; its mark (BOM) is skipped
    UTF-16, -32   by their marks; UTF-16 without one by the zero bytes of its Latin letters
    Windows-1252  a guess for what cannot be UTF-8: no byte that it leaves undefined or hardly uses, no control
                  characters, no sequence that is valid UTF-8, never four accented characters in a row, as other
                  alphabets have

A file that is none of these is refused at its first wrong byte.
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


class EncodingCheck:
    """Decides on the encoding of bytes that come block by block. Raises DataError at what is no text of any kind."""

    def __init__(self, head: bytes, declared: str | None) -> None:
        marked = mark_of(head)
        self.marked = marked is not None
        self.encoding = _declared(declared, marked) or (marked[0] if marked else _unmarked(head))
        self._decoder = codecs.getincrementaldecoder(codec_of(self.encoding))()
        self._may_guess = declared is None and self.encoding == UTF_8 and not self.marked
        self._taken = 0
        self._wide = False
        """Whether a character of several bytes was read as UTF-8."""
        self._guessing: DataError | None = None
        self._last = b""

    def take(self, block: bytes) -> None:
        """The next bytes; none at the end."""
        if self._guessing:
            self._check_windows(block)
        elif self.encoding != UTF_8 or not block.isascii() or not block or self._decoder.getstate()[0]:
            self._decode(block)
        self._taken += len(block)

    def _decode(self, block: bytes) -> None:
        pending = len(self._decoder.getstate()[0])
        try:
            self._wide |= not self._decoder.decode(block, final=not block).isascii()
        except UnicodeDecodeError as error:
            place = self._taken - pending + error.start + 1
            wrong = DataError(f"byte {place:,} of the file is not {_title(self.encoding)}: save the file as UTF-8")
            if not self._may_guess or not block or self._wide or _is_wide(block[: error.start]):
                raise wrong from error
            self.encoding, self._guessing = WINDOWS, wrong
            self._check_windows(block)

    def _check_windows(self, block: bytes) -> None:
        joined = self._last + block
        if _NOT_WINDOWS.search(joined) and self._guessing:
            raise self._guessing
        self._last = joined[-3:]


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
