"""`python -m benchmarks.serving_http`: one row over HTTP on loopback, as it is deployed and as others serve.

The same estimator and the same row, one server process a way, one thread of computation each, all of them up and warm.
They are asked in turns, over one kept connection a turn, so that a busy moment meets all; ratios are of one turn each.
Wall time is the client's; CPU time is the server's, with that of its children, a request. Peers need ``make peers``.
"""

import contextlib
import http.client
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT, SERVING_PEERS, NotInstallable, peer_python, pinned
from benchmarks.front import READY
from benchmarks.serving import LIBRARY, make_version
from benchmarks.training import PYTHON

TURNS, REQUESTS, WARM = 5, 200, 20
TICKS = os.sysconf("SC_CLK_TCK")
BASE, FRONT = "trimtab", "front"
_JSON, _JSON_LINES = "application/json", "application/jsonlines"
_START_SECONDS = 240


@dataclass
class Way:
    """A server that runs, and how it is asked."""

    name: str
    process: "subprocess.Popen[str]"
    port: int
    path: str
    body: bytes
    kind: str
    turns: list[tuple[float, float, float]] = field(default_factory=list)
    """50th and 99th percentile of the wall time, and CPU time, in ms a request."""

    def connect(self) -> http.client.HTTPConnection:
        """A connection without delay of small packets. Waits until the server listens."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                connection.connect()
            except ConnectionRefusedError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.5)
                continue
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection

    def ask(self, connection: http.client.HTTPConnection) -> bytes:
        """The answer. Raises RuntimeError for anything but 200."""
        connection.request("POST", self.path, self.body, {"Content-Type": self.kind})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{self.name} answers {answer.status}: {content[:500]!r}")
        return content

    def turn(self) -> None:
        """One more turn is measured, after a few requests that are not; servers close connections that rest."""
        with contextlib.closing(self.connect()) as connection:
            for _ in range(WARM):
                self.ask(connection)
            cpu, times = cpu_s(self.process.pid), []
            for _ in range(REQUESTS):
                before = time.perf_counter()
                self.ask(connection)
                times.append((time.perf_counter() - before) * 1000)
        times.sort()
        spent = (cpu_s(self.process.pid) - cpu) * 1000 / REQUESTS
        self.turns.append((statistics.median(times), times[int(REQUESTS * 0.99)], spent))


def cpu_s(process: int) -> float:
    """Processor seconds of a process and of all its descendants that live."""
    parts = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return (int(parts[11]) + int(parts[12])) / TICKS + sum(cpu_s(int(child)) for child in children)


def score_of(answer: bytes) -> float:
    """The probability of 1 that any way answers."""
    found = json.loads(answer)
    return float(found["predictions"][0][1] if "predictions" in found else found["score"])


def main() -> None:
    """The table has been printed."""
    with tempfile.TemporaryDirectory(prefix="serving-") as scratch, contextlib.ExitStack() as running:
        folder = make_version(Path(scratch))
        ways = list(started(folder, running))
        scores = {way.name: score_of(way.ask(way.connect())) for way in ways if way.name != FRONT}
        load = os.getloadavg()[0]
        for _ in range(TURNS):
            for way in ways:
                way.turn()
        print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, {platform.machine()}", end=", ")
        print(f"load {load:.1f} to {os.getloadavg()[0]:.1f}; medians of {TURNS} turns of {REQUESTS} requests")
        print(f"scores of the row: {', '.join(f'{name} {score:.6f}' for name, score in scores.items())}")
        print_table(ways)


def started(folder: Path, running: contextlib.ExitStack) -> Iterator[Way]:
    """Every server that can be had here, on its way; those that cannot are said."""
    record = json.loads((folder.parent / "record.json").read_text())
    row = json.dumps(record).encode() + b"\n"
    yield start(running, FRONT, PYTHON, "benchmarks/ways/serve_nothing.py", folder, row, _JSON_LINES)
    yield start(running, BASE, PYTHON, "benchmarks/ways/serve_trimtab.py", folder, row, _JSON_LINES)
    asked = json.dumps({"dataframe_records": [{k: v for k, v in record.items() if k != "id"}]}).encode()
    for peer in SERVING_PEERS:
        try:
            python = peer_python(peer)
        except NotInstallable as error:
            print(f"{pinned(peer)}: cannot be installed here: {error}")
            continue
        body, kind = (asked, _JSON) if peer == "mlflow" else (row, _JSON_LINES)
        yield start(running, pinned(peer), python, f"benchmarks/peers/serve_{peer}.py", folder.parent, body, kind)


def start(
    running: contextlib.ExitStack, name: str, python: Path, script: str, folder: Path, body: bytes, kind: str
) -> Way:
    """A server that has said its port, and is killed when ``running`` closes."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": f"{ROOT}:{LIBRARY}",
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
    }
    process: Any = subprocess.Popen(
        [str(python), str(ROOT / script), str(folder)],
        env=environment, stdout=subprocess.PIPE, stderr=sys.stderr, text=True, start_new_session=True,
    )  # fmt: skip
    running.callback(stop, process)
    said = next((line for line in process.stdout if line.startswith(READY)), None)
    if said is None:
        raise RuntimeError(f"{name} ended before it listened")
    threading.Thread(target=process.stdout.read, daemon=True).start()  # a server that logs stops at a full pipe
    return Way(name, process, int(said.removeprefix(READY)), "/invocations", body, kind)


def stop(process: "subprocess.Popen[str]") -> None:
    """The server and its children are gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()


def print_table(ways: list[Way]) -> None:
    base = next(way for way in ways if way.name == BASE)
    heads = ("p50 ms", "p99 ms", "CPU ms", "p50 x", "p99 x", "CPU x")
    print(f"\n{'way':<32}" + "".join(f"{head:>9}" for head in heads))
    for way in ways:
        medians = [statistics.median(turn[place] for turn in way.turns) for place in range(3)]
        ratios = [
            statistics.median(mine[place] / its[place] for mine, its in zip(way.turns, base.turns, strict=True))
            for place in range(3)
        ]
        print(f"{way.name:<32}" + "".join(f"{each:>9.2f}" for each in (*medians, *ratios)))


if __name__ == "__main__":
    main()
