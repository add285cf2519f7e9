"""HTTP/1.1 requests out of a stream of bytes, as far as AWS's runtime client needs them; no input or output here.

It always gives a Content-Length and never waits for 100 Continue.
"""

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
    """Takes bytes as they come."""

    _buffer: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[HttpRequest]:
        """The requests that are complete by now. Raises ValueError for bytes that are not such HTTP."""
        self._buffer += data
        requests = []
        while (request := self._next()) is not None:
            requests.append(request)
        return requests

    def _next(self) -> HttpRequest | None:
        start = self._buffer.find(_END_OF_HEAD) + len(_END_OF_HEAD)
        if start < len(_END_OF_HEAD):
            return None
        first, *lines = self._buffer[: start - len(_END_OF_HEAD)].decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if "transfer-encoding" in headers:
            raise ValueError("a body without Content-Length")
        end = start + int(headers.get("content-length") or 0)
        if len(self._buffer) < end:
            return None
        method, path, _version = first.split(" ", 2)
        body = bytes(self._buffer[start:end])
        del self._buffer[:end]
        return HttpRequest(method, path, headers, body)
