"""HTTP/1.1 requests out of a stream of bytes, as far as the Lambda Runtime API needs them; no input or output here."""

from dataclasses import dataclass, field

_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class HttpRequest:
    """One complete request; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class RequestParser:
    """Takes bytes as they come. `wants_continue` is true once when a client waits for 100 Continue."""

    wants_continue: bool = False
    _buffer: bytearray = field(default_factory=bytearray)
    _asked: bool = False

    def feed(self, data: bytes) -> list[HttpRequest]:
        """The requests that are complete by now. Raises ValueError for bytes that are not HTTP."""
        self._buffer += data
        requests = []
        while (request := self._next()) is not None:
            requests.append(request)
        return requests

    def _next(self) -> HttpRequest | None:
        end = self._buffer.find(_END_OF_HEAD)
        if end < 0:
            return None
        method, path, headers = _parse_head(bytes(self._buffer[:end]))
        body = _body(self._buffer, end + len(_END_OF_HEAD), headers)
        if body is None:
            self._note_expectation(headers)
            return None
        content, length = body
        del self._buffer[: end + len(_END_OF_HEAD) + length]
        self._asked = False
        return HttpRequest(method, path, headers, content)

    def _note_expectation(self, headers: dict[str, str]) -> None:
        if not self._asked and headers.get("expect", "").lower() == "100-continue":
            self._asked = self.wants_continue = True


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _version = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    return method, path, {name.strip().lower(): value.strip() for name, _, value in pairs}


def _body(buffer: bytearray, start: int, headers: dict[str, str]) -> tuple[bytes, int] | None:
    """The body and how many bytes it takes in the buffer; None while it is incomplete."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _chunked_body(buffer, start)
    length = int(headers.get("content-length") or 0)
    return (bytes(buffer[start : start + length]), length) if len(buffer) - start >= length else None


def _chunked_body(buffer: bytearray, start: int) -> tuple[bytes, int] | None:
    pieces: list[bytes] = []
    position = start
    while (line_end := buffer.find(b"\r\n", position)) >= 0:
        size = int(bytes(buffer[position:line_end]).partition(b";")[0], 16)
        position = line_end + 2 + size + 2
        if len(buffer) < position:
            return None
        if size == 0:
            return b"".join(pieces), position - start
        pieces.append(bytes(buffer[line_end + 2 : line_end + 2 + size]))
    return None
