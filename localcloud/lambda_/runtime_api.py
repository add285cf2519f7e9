"""The Lambda Runtime API (version 2018-06-01) of one execution environment, on a loopback port of its own.

It has no thread: the thread that runs an invocation reads it through a selector. A port of its own per environment is
needed because the runtime client takes AWS_LAMBDA_RUNTIME_API as host and port only.
"""

import contextlib
import selectors
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

from localcloud.lambda_.http_requests import HttpRequest, RequestParser

_PREFIX = "/2018-06-01/runtime/"
_CHUNK = 256 * 1024
_SEND_TIMEOUT_SECONDS = 30.0
_ACCEPTED = b'{"status":"OK"}\n'


@dataclass
class Connection:
    """One open connection of the runtime client."""

    socket: socket.socket
    parser: RequestParser = field(default_factory=RequestParser)


@dataclass(frozen=True)
class Call:
    """A call of the runtime: `route` is next, response, error or init/error."""

    connection: Connection
    route: str
    request_id: str
    body: bytes


class RuntimeApi:
    """Accepts the runtime's connections and reads its calls; every socket is registered with `selector`."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._connections: list[Connection] = []
        selector.register(self._listener, selectors.EVENT_READ, self)

    @property
    def address(self) -> str:
        """What AWS_LAMBDA_RUNTIME_API is set to."""
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def accept(self) -> None:
        """A waiting connection has been taken."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            accepted, _ = self._listener.accept()
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted.settimeout(_SEND_TIMEOUT_SECONDS)
            connection = Connection(accepted)
            self._connections.append(connection)
            self._selector.register(accepted, selectors.EVENT_READ, connection)

    def read(self, connection: Connection) -> Iterator[Call]:
        """The calls that a readable connection completes; a closed or nonsensical connection is dropped."""
        try:
            data = connection.socket.recv(_CHUNK)
            requests = connection.parser.feed(data)
        except (OSError, ValueError):
            data, requests = b"", []
        if not data:
            self._drop(connection)
            return
        for request in requests:
            call = _call(connection, request)
            if call is None:
                self.reply(connection, HTTPStatus.NOT_FOUND, b'{"errorType":"UnknownRoute"}')
            else:
                yield call

    def reply(
        self, connection: Connection, status: HTTPStatus, body: bytes = _ACCEPTED, headers: dict[str, str] | None = None
    ) -> None:
        """The runtime has been answered, or has gone away in between (then its process ends, which is noticed)."""
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\n{lines}\r\n".encode("latin-1")
        try:
            connection.socket.sendall(head + body)
        except OSError:
            self._drop(connection)

    def close(self) -> None:
        """All sockets are closed."""
        for connection in list(self._connections):
            self._drop(connection)
        self._selector.unregister(self._listener)
        self._listener.close()

    def _drop(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self._selector.unregister(connection.socket)
            connection.socket.close()


def _call(connection: Connection, request: HttpRequest) -> Call | None:
    if not request.path.startswith(_PREFIX):
        return None
    parts = request.path.removeprefix(_PREFIX).split("/")
    match request.method, parts:
        case "GET", ["invocation", "next"]:
            return Call(connection, "next", "", b"")
        case "POST", ["invocation", request_id, ("response" | "error") as route]:
            return Call(connection, route, request_id, request.body)
        case "POST", ["init", "error"]:
            return Call(connection, "init/error", "", request.body)
    return None
