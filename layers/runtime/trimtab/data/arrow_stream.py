"""A stream that Arrow reads into memory of its own."""

from typing import BinaryIO, Final

import pyarrow as pa

_END: Final = 2


class ArrowStream:
    """A seekable stream, whose bytes Arrow asks for by ``read_buffer`` where it finds that.

    Bytes of Python's, as ``read`` returns, are given back to the system after every column and asked for again with the
    next, page by page; Arrow keeps its own. Arrow may close this stream, the one within stays open.
    """

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        """The ``stream`` fills buffers by ``readinto``."""
        self._stream = stream
        self.read, self.seek, self.tell = stream.read, stream.seek, stream.tell
        here = stream.tell()
        self._size = stream.seek(0, _END)
        stream.seek(here)

    def read_buffer(self, size: int) -> pa.Buffer:
        """The next bytes, fewer than asked for only at the end; a size beyond the end takes no memory."""
        buffer = pa.allocate_buffer(max(min(size, self._size - self.tell()), 0), resizable=True)
        held = 0
        with memoryview(buffer) as signed, signed.cast("B") as room:
            while held < len(room) and (read := self._fill(room[held:])):
                held += read
        if held < buffer.size:
            buffer.resize(held)
        return buffer

    def _fill(self, room: memoryview) -> int:
        read: int | None = self._stream.readinto(room)  # type: ignore[attr-defined]  # io's classes have it
        return read or 0

    def readable(self) -> bool:
        """True."""
        return True

    def writable(self) -> bool:
        """False."""
        return False

    def seekable(self) -> bool:
        """True."""
        return True

    def close(self) -> None:
        """Nothing is closed."""
