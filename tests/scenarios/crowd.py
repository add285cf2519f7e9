"""Clients that keep asking production, cheap enough to send hundreds of requests a second beside what they ask."""

import http.client
import json
import random
import threading
import time
import urllib.parse
from collections import Counter

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.local.conftest import LocalCloud

CLIENTS = 4
_TIMEOUT_S = 60
_JSON_LINES = {"Content-Type": "application/jsonlines", "Accept": "application/jsonlines"}


class Caller:
    """One connection that is kept open. It signs each request as an SDK does, and does nothing besides."""

    def __init__(self, cloud: LocalCloud, endpoint: str) -> None:
        self._host = urllib.parse.urlsplit(cloud.endpoint).netloc
        self._url = f"{cloud.endpoint}/endpoints/{endpoint}/invocations"
        self._path = urllib.parse.urlsplit(self._url).path
        self._auth = SigV4Auth(Credentials("test", "test"), "sagemaker", "us-east-1")
        self._connection = http.client.HTTPConnection(self._host, timeout=_TIMEOUT_S)

    def ask(self, record: dict[str, object]) -> str:
        """The version that answered, or how it failed; what failed is not asked again."""
        body = (json.dumps(record) + "\n").encode()
        request = AWSRequest("POST", self._url, data=body, headers=_JSON_LINES)
        self._auth.add_auth(request)
        try:
            self._connection.request("POST", self._path, body, dict(request.headers.items()))
            answer = self._connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return f"failed: {type(error).__name__}"
        return str(json.loads(said)["version"]) if answer.status == 200 else f"failed: {answer.status}"


class Crowd:
    """So many clients; every answer is counted. ``per_second`` of 0: each asks again when it was answered.

    With a rate, a request is due at its time whatever became of those before, so that a slow answer makes nobody's
    traffic thinner; a client that is late sends at once.
    """

    def __init__(self, cloud: LocalCloud, endpoint: str, clients: int = CLIENTS, per_second: float = 0) -> None:
        self._cloud, self._endpoint = cloud, endpoint
        self._pause = clients / per_second if per_second else 0.0
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(seed,), daemon=True) for seed in range(clients)]
        self._counts: list[Counter[str]] = [Counter() for _ in range(clients)]

    def _ask(self, seed: int) -> None:
        source, counts, caller = random.Random(seed), self._counts[seed], Caller(self._cloud, self._endpoint)
        due = time.monotonic()
        while not self._ending.wait(max(0.0, due - time.monotonic())):
            counts[caller.ask({"row": source.randrange(1 << 40), "x": source.random(), "kind": "a"})] += 1
            due += self._pause

    @property
    def answers(self) -> Counter[str]:
        """By version; failed ones by why they failed."""
        return sum(self._counts, Counter())

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
