"""HTTP connections that serve one request after another; werkzeug closes each after its answer."""

import http.client
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from localcloud.locks import read_body

if TYPE_CHECKING:
    from werkzeug.serving import WSGIRequestHandler

_WITHOUT_BODY = (204, 304)
_Headers = list[tuple[str, str]]


def request_handler() -> "type[WSGIRequestHandler]":
    """The class that handles a connection: moto's, whose connections stay open until the client closes them."""
    from moto.moto_server.werkzeug_app import MotoRequestHandler

    class Handler(MotoRequestHandler):  # type: ignore[misc]  # moto has no type information
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # headers and body leave together

        def run_wsgi(self) -> None:
            """The request is answered, and nothing of it is left unread before the next."""
            if self.headers.get("Expect", "").lower().strip() == "100-continue":
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.wfile.flush()
            self.environ = self.make_environ()
            answered: list[Any] = []
            try:
                read_body(self.environ)
                answer = self.server.app(self.environ, lambda *given: answered.extend(given[:2]))
                _send(self, answered[0], answered[1], answer)
            except (ConnectionError, TimeoutError) as error:
                self.close_connection = True
                self.connection_dropped(error, self.environ)

        def log_request(self, *_arguments: Any) -> None:
            """Successful requests are not logged."""

    return Handler


def _send(handler: Any, status: str, headers: _Headers, answer: Iterable[bytes]) -> None:
    code = int(status.split()[0])
    parts = _parts(handler.command, code, headers, answer)
    try:
        handler.send_response(code, status.partition(" ")[2] or http.client.responses.get(code, ""))
        for name, value in headers:
            if name.lower() != "connection":
                handler.send_header(name, value)
        handler.end_headers()
        for part in parts:
            handler.wfile.write(part)
        handler.wfile.flush()
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()


def _parts(method: str, code: int, headers: _Headers, answer: Iterable[bytes]) -> Iterable[bytes]:
    """What follows the headers, to which the length is added where it is not known yet: in chunks if need be."""
    names = {name.lower() for name, _ in headers}
    if method == "HEAD" or code in _WITHOUT_BODY:
        return []
    if "content-length" in names:
        return answer
    if isinstance(answer, list):
        headers.append(("Content-Length", str(sum(map(len, answer)))))
        return answer
    headers.append(("Transfer-Encoding", "chunked"))
    return _chunks(answer)


def _chunks(answer: Iterable[bytes]) -> Iterable[bytes]:
    for part in answer:
        if part:
            yield b"%x\r\n%s\r\n" % (len(part), part)
    yield b"0\r\n\r\n"
