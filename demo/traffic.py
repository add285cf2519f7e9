"""Requests to the production endpoint: a month's flights in batches, or a steady stream of single ones."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError

JSON_LINES = "application/jsonlines"


def json_lines(table: pa.Table) -> str:
    """One JSON object per row; timestamps as ISO text."""
    rows = table.to_pylist()
    return "\n".join(json.dumps(row, default=lambda value: value.isoformat()) for row in rows)


def batches(table: pa.Table, rows: int) -> Iterator[str]:
    """Request bodies of at most ``rows`` rows each."""
    for start in range(0, table.num_rows, rows):
        yield json_lines(table.slice(start, rows))


def send_all(runtime: Any, endpoint: str, table: pa.Table, rows_per_request: int = 500, workers: int = 2) -> int:
    """Every row was asked for; returns the number of requests. Raises on the first that failed."""

    def ask(body: str) -> None:
        answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType=JSON_LINES, Accept=JSON_LINES, Body=body)
        answer["Body"].read()

    with ThreadPoolExecutor(workers) as pool:
        return sum(1 for _ in pool.map(ask, batches(table, rows_per_request)))


@dataclass
class SteadyLoad:
    """Single-row requests at a fixed rate until the block ends; open loop, so a slow answer does not slow the rest."""

    runtime: Any
    endpoint: str
    table: pa.Table
    per_second: float = 25
    answers: list[str] = field(default_factory=list)
    """For each request the word ok or the code of its error; several threads append."""
    latencies_ms: list[float] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "SteadyLoad":
        self._bodies = list(batches(self.table.slice(0, 2000), 1))
        self._pool = ThreadPoolExecutor(8)
        self._began = time.monotonic()
        self._pacer = threading.Thread(target=self._pace, daemon=True)
        self._pacer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pacer.join()
        self._pool.shutdown(wait=True)
        self.seconds = time.monotonic() - self._began

    @property
    def sent(self) -> int:
        return len(self.answers)

    @property
    def failed(self) -> int:
        return sum(answer != "ok" for answer in tuple(self.answers))

    def _pace(self) -> None:
        number = 0
        while not self._stop.wait(max(0.0, self._began + number / self.per_second - time.monotonic())):
            self._pool.submit(self._ask, self._bodies[number % len(self._bodies)])
            number += 1

    def _ask(self, body: str) -> None:
        began = time.perf_counter()
        try:
            answer = self.runtime.invoke_endpoint(EndpointName=self.endpoint, ContentType=JSON_LINES, Body=body)
            answer["Body"].read()
            self.answers.append("ok")
        except ClientError as error:
            self.answers.append(str(error.response["Error"]["Code"]))
        except BotoCoreError as error:
            self.answers.append(type(error).__name__)
        self.latencies_ms.append(1000 * (time.perf_counter() - began))
