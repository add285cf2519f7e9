"""A plain HTTP front over one function, the same for every way that brings no server of its own. Standard library only:
it runs in environments that have nothing of ours."""

import socketserver
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

Answer = Callable[[bytes, str], tuple[bytes, str]]
"""From a body and its media type to an answer and its own."""
READY = "listens on "
"""How the line begins that says the port."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answer: Answer

    def do_POST(self) -> None:
        """The function's answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        content, kind = type(self).answer(body, self.headers["Content-Type"])
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
        self.wfile.write(head.encode() + content)

    def log_message(self, *_: object) -> None:
        """A line for each request would be measured too."""


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def serve(answer: Answer) -> None:
    """Requests are answered until the process is killed; the port is printed first."""
    handler = type("Handler", (_Handler,), {"answer": staticmethod(answer)})
    with _Server(("127.0.0.1", 0), handler) as server:
        print(f"{READY}{server.server_address[1]}", flush=True)
        server.serve_forever()
