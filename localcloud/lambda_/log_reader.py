"""Log events out of what a runtime writes: lines of its output, and frames of its telemetry pipe."""

import time
from dataclasses import dataclass, field

LogEvent = tuple[int, str]  # real epoch milliseconds, message

_FRAME_HEAD_BYTES = 16  # type (4), length (4), timestamp in microseconds (8), all big-endian
_LONGEST_MESSAGE = 250_000


@dataclass
class LineReader:
    """Standard output: one event a line, as CloudWatch shows what a function prints."""

    _rest: bytes = b""

    def feed(self, data: bytes) -> list[LogEvent]:
        """The events of the lines that are complete by now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return _events(int(time.time() * 1000), lines)

    def flush(self) -> list[LogEvent]:
        """What came after the last line break is an event too."""
        rest, self._rest = self._rest, b""
        return _events(int(time.time() * 1000), [rest])


@dataclass
class FrameReader:
    """The telemetry pipe: one event a frame, so that a record of several lines stays one event."""

    _rest: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[LogEvent]:
        """The events of the frames that are complete by now."""
        self._rest += data
        events: list[LogEvent] = []
        while (frame := self._next()) is not None:
            events += frame
        return events

    def flush(self) -> list[LogEvent]:
        """A frame that was cut off by the end of the process is not an event."""
        self._rest.clear()
        return []

    def _next(self) -> list[LogEvent] | None:
        length = int.from_bytes(self._rest[4:8], "big")
        end = _FRAME_HEAD_BYTES + length
        if len(self._rest) < max(end, _FRAME_HEAD_BYTES):
            return None
        milliseconds = int.from_bytes(self._rest[8:16], "big") // 1000
        message = bytes(self._rest[_FRAME_HEAD_BYTES:end]).rstrip(b"\n")
        del self._rest[:end]
        return _events(milliseconds, [message])


def _events(milliseconds: int, messages: list[bytes]) -> list[LogEvent]:
    texts = (message.decode("utf-8", "replace") for message in messages if message)
    return [
        (milliseconds, text[start : start + _LONGEST_MESSAGE])
        for text in texts
        for start in range(0, len(text), _LONGEST_MESSAGE)
    ]
