"""The bytes of a text file, decompressed, as UTF-8, that cannot be made to run away."""

import codecs
import io
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

import pyarrow as pa

from trimtab.data.encoding import EncodingCheck, codec_of, mark_of
from trimtab.data.limits import Limits
from trimtab.data.reading import UTF_8, TextForm
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


@dataclass(frozen=True)
class Text:
    """A text file whose every byte has been looked at once."""

    stream: BinaryIO
    form: TextForm
    limits: Limits

    @classmethod
    def of(cls, stream: BinaryIO, limits: Limits, declared: str | None = None) -> "Text":
        """The text in a file. Raises DataError for other containers, damage, bombs, and what is no text."""
        plain, compression = _unpacked(stream, limits)
        head = plain.peek(_BLOCK_BYTES)
        _refuse_foreign(head, inside=compression is not None)
        check = EncodingCheck(head, declared)
        while block := plain.read(_BLOCK_BYTES):
            check.take(block)
        check.take(b"")
        return cls(stream, TextForm(compression, check.encoding, check.marked), limits)

    def open(self) -> io.BufferedReader:
        """The text from its beginning as UTF-8 without a mark."""
        plain, _ = _unpacked(self.stream, self.limits)
        marked = mark_of(plain.peek(4)) if self.form.byte_order_mark else None
        plain.read(marked[1] if marked else 0)
        if self.form.encoding == UTF_8:
            return plain
        return io.BufferedReader(_Transcoded(plain, self.form.encoding), HEADER_BYTES)


def _unpacked(stream: BinaryIO, limits: Limits) -> tuple[io.BufferedReader, str | None]:
    """The text inside a gzip or zstd file, or the file itself, from the beginning, and the compression."""
    stream.seek(0)
    head = stream.read(16)
    stream.seek(0)
    _refuse_foreign(head, inside=False)
    codec = next((codec for magic, codec in _MAGIC.items() if head.startswith(magic)), None)
    plain: Readable = stream if codec is None else pa.CompressedInputStream(_Borrowed(stream), codec)
    return io.BufferedReader(CappedStream(plain, stream, limits), _BLOCK_BYTES), codec


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


class _Transcoded(io.RawIOBase):
    """Text of another encoding as UTF-8."""

    def __init__(self, plain: io.BufferedReader, encoding: str) -> None:
        self._plain = plain
        self._decoder = codecs.getincrementaldecoder(codec_of(encoding))()
        self._ready = b""

    def readable(self) -> bool:
        """True: it can be read, once, from front to back."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fills as much of the buffer as there is, and returns how many bytes it holds."""
        while not self._ready and (block := self._plain.read(HEADER_BYTES)):
            self._ready = self._decoder.decode(block).encode()
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size
