"""Keeps web pages and foreign hosts away from the local cloud: exact Host names, no foreign Origin, no CORS."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOOPBACK = "127.0.0.1"
_FOREIGN_SITES = ("cross-site", "same-site")


def middleware(app: "WSGIApplication", port: int) -> "WSGIApplication":
    """Only requests that name this server as their host, and come from no other web page, get through."""

    def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        refusal = _refusal(environ, port)
        return app(environ, start_response) if refusal is None else refuse(start_response, *refusal)

    return run


def refuse(start_response: "StartResponse", status: str, code: str, message: str) -> list[bytes]:
    """The request is answered with an error that JSON clients understand."""
    body = json.dumps({"__type": code, "message": message}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("x-amzn-ErrorType", code)]
    start_response(status, headers)
    return [body]


def _refusal(environ: "WSGIEnvironment", port: int) -> tuple[str, str, str] | None:
    host = environ.get("HTTP_HOST", "")
    if not _is_own_host(host, port):
        return "421 Misdirected Request", "MisdirectedRequest", f"This server is not {host!r}: use {LOOPBACK}:{port}."
    if not _is_own_origin(environ, port):
        return "403 Forbidden", "AccessDenied", "Requests from web pages of another origin are refused."
    if environ.get("PATH_INFO", "").startswith("/moto-api"):
        return "403 Forbidden", "AccessDenied", "moto's own API is closed: use /_local/ instead."
    return None


def _is_own_host(host: str, port: int) -> bool:
    name, separator, number = host.rpartition(":")
    if not separator or number != str(port):
        return False
    return name in (LOOPBACK, "localhost", "[::1]") or name.endswith(".localhost")


def _is_own_origin(environ: "WSGIEnvironment", port: int) -> bool:
    if environ.get("HTTP_SEC_FETCH_SITE") in _FOREIGN_SITES:
        return False
    origin = environ.get("HTTP_ORIGIN")
    return origin is None or origin in {f"http://{name}:{port}" for name in (LOOPBACK, "localhost", "[::1]")}
