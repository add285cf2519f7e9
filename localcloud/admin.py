"""The local cloud's own API below /_local/: status and clock, and whatever a service adds to `cloud.admin_routes`."""

import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from localcloud.cloud import Cloud
from localcloud.durability.kept import Kept
from localcloud.locks import read_body
from localcloud.safety import refuse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/_local/"


def install(cloud: Cloud) -> None:
    """GET /_local/status and /_local/patches (what was changed in moto), and POST /_local/clock answer."""
    started = time.time()
    cloud.admin_routes["status"] = lambda _method, _body: _status(cloud, started)
    cloud.admin_routes["patches"] = lambda _method, _body: [asdict(patch) for patch in cloud.patches.made]
    cloud.admin_routes["clock"] = lambda method, body: _clock(cloud, kept_clock, method, body)
    kept_clock = cloud.durable.keep("clock", dump=cloud.clock.history, load=lambda kept: _resume(cloud, kept))
    kept_clock.changed()


def middleware(cloud: Cloud, app: "WSGIApplication") -> "WSGIApplication":
    """Paths below /_local/ are answered here and never reach moto."""

    def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return app(environ, start_response)
        route = cloud.admin_routes.get(path.removeprefix(PREFIX))
        if route is None:
            known = ", ".join(PREFIX + name for name in sorted(cloud.admin_routes))
            return refuse(start_response, "404 Not Found", "NotFound", f"No {path}; there are {known}.")
        try:
            answer = route(environ["REQUEST_METHOD"], _json_body(environ))
        except ValueError as error:
            return refuse(start_response, "400 Bad Request", "ValidationException", str(error))
        return _answer(start_response, answer)

    return run


def _answer(start_response: "StartResponse", value: Any) -> list[bytes]:
    body = json.dumps(value, default=str).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _json_body(environ: "WSGIEnvironment") -> dict[str, Any]:
    raw = read_body(environ)
    if not raw:
        return {}
    if environ.get("CONTENT_TYPE", "").partition(";")[0] != "application/json":
        raise ValueError("send the body as application/json")
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body


def _status(cloud: Cloud, started: float) -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "port": cloud.port,
        "endpoint": cloud.endpoint,
        "account": cloud.account,
        "region": cloud.region,
        "now": cloud.clock.utcnow().isoformat(),
        "speed": cloud.clock.speed,
        "uptime_seconds": round(time.time() - started, 3),
        "namespaces": cloud.processes.namespaces,
        "notes": cloud.notes,
        "not_kept": cloud.durable.not_kept,
    }


def _resume(cloud: Cloud, history: list[tuple[float, float, float]]) -> None:
    cloud.clock.resume(history, cloud.durable.last_seen)


def _clock(cloud: Cloud, kept: Kept, method: str, body: dict[str, Any]) -> dict[str, Any]:
    unknown = set(body) - {"speed", "advance"}
    if unknown or (method == "POST" and not body) or not all(isinstance(one, int | float) for one in body.values()):
        raise ValueError('POST {"speed": factor} or {"advance": seconds} to the clock')
    if "speed" in body:
        cloud.clock.set_speed(body["speed"])
    if "advance" in body:
        cloud.clock.advance(body["advance"])
    if body:
        kept.changed()
        cloud.durable.flush()
    return {"now": cloud.clock.utcnow().isoformat(), "speed": cloud.clock.speed}
