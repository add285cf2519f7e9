"""Load that costs the client next to nothing: one signed request, sent over and over on kept connections."""

import http.client
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "us-east-1"


@dataclass(frozen=True)
class Call:
    """One HTTP request, signed."""

    host: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Measured:
    """How long each answered request took, how many failed, and how long all of it took."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    wall: float = 0.0

    @property
    def per_second(self) -> float:
        """Answered requests a second."""
        return len(self.seconds) / self.wall

    def quantile_ms(self, share: float) -> float:
        """The latency in milliseconds that `share` of the requests did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000


def signed(
    endpoint: str, service: str, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Call:
    """A request with a signature of the administrator's, valid for a quarter of an hour."""
    request = AWSRequest(method, endpoint + path, data=body, headers=dict(headers or {}))
    signer: Any = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials("test", "test"), service, REGION).add_auth(request)
    return Call(urlsplit(endpoint).netloc, method, path, dict(request.headers.items()), body)


def send(call: Call, times: int, clients: int = 1) -> Measured:
    """The request was sent `times` times in all, by `clients` at once, each on a connection of its own."""
    measured = Measured()
    threads = [threading.Thread(target=_send, args=(call, times // clients, measured)) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    measured.wall = time.perf_counter() - began
    return measured


def _send(call: Call, times: int, measured: Measured) -> None:
    connection = http.client.HTTPConnection(call.host, timeout=60)
    for _ in range(times):
        began = time.perf_counter()
        connection.request(call.method, call.path, call.body, call.headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status >= 300:
            measured.failed += 1
        else:
            measured.seconds.append(time.perf_counter() - began)
    connection.close()
