"""Kept-alive HTTP connections to one model server, as lean as the invocation path needs them."""

import socket
import threading
from typing import NamedTuple

TIMEOUT_SECONDS = 60.0


class ModelAnswer(NamedTuple):
    """What a model server answered."""

    status: int
    content_type: str
    body: bytes


class InstanceGoneError(ConnectionError):
    """Raised when the model server does not answer because it is no longer there."""


class Connections:
    """Idle connections to a model server on the loopback address; as many are open as were ever busy at once."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()

    def exchange(self, head: bytes, body: bytes, timeout: float = TIMEOUT_SECONDS) -> ModelAnswer:
        """The answer to one request. Raises InstanceGoneError or TimeoutError."""
        try:
            connection = self._take(timeout)
            answer = connection.exchange(head, body, timeout)
        except TimeoutError:
            raise
        except OSError as error:
            raise InstanceGoneError(str(error)) from error
        with self._lock:
            self._idle.append(connection)
        return answer

    def close(self) -> None:
        """No idle connection is open."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self, timeout: float) -> "_Connection":
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Connection(self._address, timeout)


class _Connection:
    def __init__(self, address: tuple[str, int], timeout: float) -> None:
        self._socket = socket.create_connection(address, timeout)
        self._timeout = timeout
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile("rb")

    def exchange(self, head: bytes, body: bytes, timeout: float) -> ModelAnswer:
        try:
            if timeout != self._timeout:
                self._socket.settimeout(timeout)
                self._timeout = timeout
            self._socket.sendall(head + body)
            return self._read()
        except OSError:
            self.close()
            raise

    def _read(self) -> ModelAnswer:
        first = self._stream.readline()
        if not first:
            raise InstanceGoneError("the model server closed the connection")
        status, content_type, length = int(first.split(b" ", 2)[1]), "application/octet-stream", 0
        while (line := self._stream.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            elif name.lower() == b"content-type":
                content_type = value.strip().decode("latin-1")
        body = self._stream.read(length)
        if len(body) < length:
            raise InstanceGoneError("the model server closed the connection in the middle of an answer")
        return ModelAnswer(status, content_type, body)

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


def request_head(method: str, path: str, headers: dict[str, str], length: int) -> bytes:
    """The request line and headers of an HTTP request; line breaks in values are refused."""
    lines = [f"{method} {path} HTTP/1.1", "Host: model", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header contains a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
