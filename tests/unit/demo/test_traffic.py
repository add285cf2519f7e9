"""The demo's load generator counts what really happened."""

import io
import itertools
import json
import threading
from typing import Any

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from demo.traffic import SteadyLoad, batches, send_all

TABLE = pa.table({"id": [1, 2, 3, 4, 5], "x": [0.5, None, 1.5, 2.5, 3.5]})


class Runtime:
    """Answers, or fails every ``fail_every``-th request."""

    def __init__(self, fail_every: int = 0) -> None:
        self.bodies: list[str] = []
        self.enough = threading.Event()
        self._numbers, self._fail_every = itertools.count(1), fail_every

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self.bodies.append(request["Body"])
        if number >= 40:
            self.enough.set()
        if self._fail_every and number % self._fail_every == 0:
            raise ClientError({"Error": {"Code": "ModelError", "Message": "500"}}, "InvokeEndpoint")
        return {"Body": io.BytesIO(b"{}")}


def test_every_row_is_in_exactly_one_request() -> None:
    rows = [json.loads(line) for body in batches(TABLE, 2) for line in body.splitlines()]
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[1]["x"] is None
    runtime = Runtime()
    assert send_all(runtime, "e", TABLE, rows_per_request=2) == 3
    assert len(runtime.bodies) == 3


def test_a_failed_batch_is_not_passed_over() -> None:
    with pytest.raises(ClientError):
        send_all(Runtime(fail_every=2), "e", TABLE, rows_per_request=1)


def test_failures_are_counted_apart() -> None:
    runtime = Runtime(fail_every=4)
    with SteadyLoad(runtime, "e", TABLE, per_second=400) as load:
        assert runtime.enough.wait(10)
    assert load.sent == len(runtime.bodies)
    assert load.failed == load.sent // 4
