"""The bytes of a text file, decompressed, as UTF-8, that cannot be made to run away."""

import io
import threading
from typing import BinaryIO, Final, Protocol

import pyarrow as pa

from trimtab.data.encoding import Utf8
from trimtab.data.limits import Limits
from trimtab.data.reading import TextForm
from trimtab.errors import DataError

HEADER_BYTES: Final = 256 * 1024
"""A reader may look this far ahead without consuming anything."""
_BLOCK_BYTES: Final = 1024 * 1024
_MAGIC: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_FOREIGN: Final = {
    b"PK\x03\x04": "a zip archive (or a spreadsheet): drop the file inside it, or save the sheet as CSV",
    b"PAR1": "Parquet although its name says otherwise: name it .parquet",
    b"BZh": "bzip2: compress with gzip or zstd instead",
    b"\xfd7zXZ": "xz: compress with gzip or zstd instead",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet: save the sheet as CSV",
    b"%PDF": "a PDF: export the data as CSV, JSON Lines or Parquet",
    b"ARROW1": "an Arrow file: write it as Parquet",
    b"Obj\x01": "Avro: write it as Parquet",
    b"ORC": "ORC: write it as Parquet",
    b"SQLite format 3": "a database: export the table as CSV, JSON Lines or Parquet",
}


class Readable(Protocol):
    """Anything with a read method."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        ...


class Text:
    """A text file that is checked while it is read: for other containers, damage, bombs, and what is no text."""

    def __init__(self, stream: BinaryIO, limits: Limits, declared: str | None = None) -> None:
        self._stream, self._limits, self._declared = stream, limits, declared
        self._opened: _Utf8Stream | None = None
        self._compression: str | None = None

    @property
    def form(self) -> TextForm:
        """How it is written, as far as it was read."""
        if self._opened is None:
            return TextForm()
        utf_8 = self._opened.utf_8
        return TextForm(self._compression, utf_8.encoding, utf_8.mark_bytes > 0)

    def open(self) -> io.BufferedReader:
        """The text from its beginning as UTF-8 without a mark; one opened before is at its end. Raises DataError."""
        if self._opened is not None:
            self._opened.stop()
        self._compression = _codec(self._stream)
        plain = _unpacked(self._stream, self._limits, self._compression)
        head = plain.peek(_BLOCK_BYTES)
        _refuse_foreign(head, inside=self._compression is not None)
        self._opened = _Utf8Stream(plain, Utf8(head, self._declared))
        return io.BufferedReader(self._opened, HEADER_BYTES)

    def check(self) -> None:
        """Nothing is wrong with the bytes up to their end. Raises DataError, which tells more than a row's error."""
        text = self.open()
        while text.read(_BLOCK_BYTES):
            pass


def _codec(stream: BinaryIO) -> str | None:
    """How a file is compressed, which stands at its beginning."""
    stream.seek(0)
    head = stream.read(16)
    stream.seek(0)
    _refuse_foreign(head, inside=False)
    return next((codec for magic, codec in _MAGIC.items() if head.startswith(magic)), None)


def _unpacked(stream: BinaryIO, limits: Limits, codec: str | None) -> io.BufferedReader:
    plain: Readable = stream if codec is None else pa.CompressedInputStream(_Borrowed(stream), codec)
    return io.BufferedReader(CappedStream(plain, stream, limits), _BLOCK_BYTES)


def _refuse_foreign(head: bytes, *, inside: bool) -> None:
    advice = next((advice for magic, advice in _FOREIGN.items() if head.startswith(magic)), None)
    if advice is None and inside and any(head.startswith(magic) for magic in _MAGIC):
        advice = "compressed twice: compress it once"
    if advice:
        raise DataError(f"the file {'holds' if inside else 'is'} {advice}", rule="format")


class _Borrowed:
    """A stream that stays open when Arrow, which takes what it reads for its own, is done with it."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self.read = stream.read

    def close(self) -> None:
        """Nothing is closed."""


class CappedStream(io.RawIOBase):
    """A stream that stops, with a DataError, where a bomb would go on or the packed bytes are damaged."""

    def __init__(self, plain: Readable, packed: BinaryIO, limits: Limits) -> None:
        self._plain, self._packed, self._limits = plain, packed, limits
        self._out = 0

    def readable(self) -> bool:
        """True: it can be read, once, from front to back."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fills the buffer, short only at the end, and returns how many bytes it holds. Raises DataError."""
        filled = 0
        while filled < len(buffer) and (block := self._block(len(buffer) - filled)):
            buffer[filled : filled + len(block)] = block
            filled += len(block)
        self._out += filled
        self._check_size()
        return filled

    def _block(self, size: int) -> bytes:
        try:
            return self._plain.read(size)
        except (OSError, pa.ArrowException) as error:
            raise DataError(
                f"the file cannot be decompressed after {self._out:,} bytes: {error}. "
                "It is truncated or damaged: upload it again"
            ) from error

    def _check_size(self) -> None:
        packed = max(self._packed.tell(), 1)
        if self._out > self._limits.bytes_unpacked:
            allowed = f"{self._limits.bytes_unpacked:,}"
            raise DataError(f"more than {allowed} bytes come out of the file: split the drop", rule="limits")
        if self._out > self._limits.ratio_from and self._out > packed * self._limits.ratio:
            raise DataError(
                f"the file unpacks to more than {self._limits.ratio} times its size after {packed:,} bytes: "
                "it looks like a decompression bomb and was not read on",
                rule="limits",
            )


class _Utf8Stream(io.RawIOBase):
    """The text of another stream as UTF-8, until it is stopped."""

    def __init__(self, plain: io.BufferedReader, utf_8: Utf8) -> None:
        self._plain, self.utf_8 = plain, utf_8
        self._ready = memoryview(b"")
        self._ended = False
        self._reading = threading.Lock()
        plain.read(utf_8.mark_bytes)

    def readable(self) -> bool:
        """True: it can be read, once, from front to back."""
        return True

    def stop(self) -> None:
        """Nothing reads the other stream any more: Arrow's threads read ahead even when nobody asks them to."""
        with self._reading:
            self._ended, self._ready = True, memoryview(b"")

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fills the buffer, short only at the end, and returns how many bytes it holds. Raises DataError."""
        filled = 0
        with self._reading:
            while filled < len(buffer) and self._more():
                size = min(len(buffer) - filled, len(self._ready))
                buffer[filled : filled + size] = self._ready[:size]
                self._ready = self._ready[size:]
                filled += size
        return filled

    def _more(self) -> bool:
        """Whether there are bytes left, which are then ready."""
        while not self._ready and not self._ended:
            block = self._plain.read(_BLOCK_BYTES)
            self._ended = not block
            self._ready = memoryview(self.utf_8.take(block))
        return bool(self._ready)
