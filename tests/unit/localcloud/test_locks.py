"""Which requests wait for each other."""

import io
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from localcloud import locks

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def request(service: str, path: str = "/", target: str = "", body: bytes = b"") -> "WSGIEnvironment":
    credential = f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
    return {
        "HTTP_AUTHORIZATION": credential,
        "HTTP_X_AMZ_TARGET": target,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }


def overlap(first: "WSGIEnvironment", second: "WSGIEnvironment") -> bool:
    """Whether the second request is inside the application while the first one still is."""
    inside, go_on = threading.Semaphore(0), threading.Event()

    def application(_environ: "WSGIEnvironment", _start: "StartResponse") -> Iterable[bytes]:
        inside.release()
        go_on.wait(10)
        return [b"done"]

    guarded: Any = locks.middleware(locks.Locks(), application)
    threads = [threading.Thread(target=guarded, args=(environ, None)) for environ in (first, second)]
    threads[0].start()
    assert inside.acquire(timeout=10)
    threads[1].start()
    both = inside.acquire(timeout=0.3)
    go_on.set()
    for thread in threads:
        thread.join(10)
    return both


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (request("dynamodb"), request("dynamodb"), False),
        (request("dynamodb"), request("s3"), True),
        (request("lambda", "/2015-03-31/functions/f/invocations"), request("lambda"), True),
        (request("sagemaker", "/endpoints/e/invocations"), request("sagemaker", "/endpoints/e/invocations"), True),
        (request("sqs", body=b'{"WaitTimeSeconds": 20}'), request("sqs"), False),
        (request("states", target="AWSStepFunctions.StartSyncExecution"), request("states"), True),
    ],
)
def test_calls_of_one_service_wait_for_each_other_unless_they_may_take_long(
    first: "WSGIEnvironment", second: "WSGIEnvironment", expected: bool
) -> None:
    assert overlap(first, second) is expected


def test_the_body_can_be_read_again() -> None:
    environ = request("sqs", body=b"hello")
    assert locks.read_body(environ) == b"hello"
    assert environ["wsgi.input"].read() == b"hello"
