"""The bytes of a text file, decompressed, that are UTF-8 and cannot be made to run away."""

import codecs
import io
from typing import BinaryIO, Protocol

import pyarrow as pa

from trimtab.data.limits import Limits
from trimtab.errors import DataError

HEADER_BYTES = 256 * 1024
"""A reader may look this far ahead without consuming anything."""

_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_FOREIGN = {
    b"PK\x03\x04": "a zip archive: drop the file inside it",
    b"PAR1": "Parquet although its name says otherwise: name it .parquet",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
    b"BZh": "bzip2: compress with gzip or zstd instead",
    b"\xfd7zXZ": "xz: compress with gzip or zstd instead",
}


class Readable(Protocol):
    """Anything with a read method."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        ...


def plain_bytes(stream: BinaryIO, limits: Limits) -> io.BufferedReader:
    """The text inside a gzip or zstd file, or the file itself. Raises DataError for other known containers."""
    head = stream.read(6)
    stream.seek(0)
    for magic, advice in _FOREIGN.items():
        if head.startswith(magic):
            raise DataError(f"the file is {advice}")
    codec = next((codec for magic, codec in _MAGIC.items() if head.startswith(magic)), None)
    plain: Readable = stream if codec is None else pa.CompressedInputStream(stream, codec)
    return io.BufferedReader(CappedStream(plain, stream, limits), HEADER_BYTES)


class CappedStream(io.RawIOBase):
    """A stream that stops, with a DataError, at the first byte that is not UTF-8 or where a bomb would go on."""

    def __init__(self, plain: Readable, packed: BinaryIO, limits: Limits) -> None:
        self._plain, self._packed, self._limits = plain, packed, limits
        self._out = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def readable(self) -> bool:
        """True: it can be read, once, from front to back."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fills the buffer, short only at the end, and returns how many bytes it holds. Raises DataError."""
        filled = 0
        while filled < len(buffer) and (block := self._block(len(buffer) - filled)):
            buffer[filled : filled + len(block)] = block
            filled += len(block)
        self._check_encoding(bytes(buffer[:filled]), is_end=not filled)
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

    def _check_encoding(self, block: bytes, *, is_end: bool) -> None:
        pending = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(block, final=is_end)
        except UnicodeDecodeError as error:
            place = self._out - pending + error.start + 1
            raise DataError(f"byte {place:,} of the file is not UTF-8: save the file as UTF-8") from error

    def _check_size(self) -> None:
        packed = max(self._packed.tell(), 1)
        if self._out > self._limits.bytes_unpacked:
            raise DataError(f"more than {self._limits.bytes_unpacked:,} bytes come out of the file: split the drop")
        if self._out > self._limits.ratio_from and self._out > packed * self._limits.ratio:
            raise DataError(
                f"the file unpacks to more than {self._limits.ratio} times its size after {packed:,} bytes: "
                "it looks like a decompression bomb and was not read on"
            )
