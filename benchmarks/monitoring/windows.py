"""How fast captured traffic becomes a window, and in how much memory: `python -m benchmarks.monitoring.windows`.

Capture files as SageMaker writes them, of the flights model's records, one record a request: the most bytes a record.
One share is decoded both ways, and all shares of a large window are merged; each in a process of its own. What the
whole window takes is the share's processor seconds by the number of shares, side by side, and then the merge.
"""

import argparse
import json
import multiprocessing
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.fakes import MemoryLedger
from trimtab.data.limits import MEGABYTE
from trimtab.monitoring.capture import Event, decode_lines, traffic
from trimtab.monitoring.captured_json import read_json_lines
from trimtab.monitoring.collect import Collection
from trimtab.monitoring.files import CaptureFile
from trimtab.monitoring.records import record_schema, to_table
from trimtab.monitoring.shares import Shares
from trimtab.monitoring.target import Target
from trimtab.monitoring.windows import Span
from trimtab.ports import ObjectInfo
from trimtab.spec import Spec, load_spec_file

AT = datetime(2013, 7, 1, tzinfo=UTC)
FILE_ROWS = 10_000
ORIGINS, CARRIERS = ("EWR", "JFK", "LGA"), ("UA", "AA", "DL", "B6", "EV", "MQ", "WN")
FOLDER = "s3://captures/flights/capture/endpoint/main"
MODEL = Path(__file__).parents[2] / "models" / "flights" / "model.yaml"


@dataclass(frozen=True)
class FolderObjects:
    """Objects as files of a folder: what these functions ask of a store."""

    folder: Path

    def path(self, uri: str) -> Path:
        return self.folder / uri.removeprefix("s3://")

    def read(self, uri: str, version: str | None = None) -> bytes:
        return self.path(uri).read_bytes()

    def open(self, uri: str, version: str | None = None) -> BinaryIO:
        return self.path(uri).open("rb")

    def write(self, uri: str, body: bytes, content_type: str = "") -> None:
        self.path(uri).parent.mkdir(parents=True, exist_ok=True)
        self.path(uri).write_bytes(body)

    def upload(self, uri: str, path: Path) -> None:
        self.path(uri).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, self.path(uri))

    def download(self, uri: str, path: Path, version: str | None = None) -> None:
        path.symlink_to(self.path(uri))

    def head(self, uri: str, version: str | None = None) -> ObjectInfo | None:
        path = self.path(uri)
        return ObjectInfo(uri, path.stat().st_size, AT) if path.exists() else None

    def list(self, prefix_uri: str, after: str | None = None) -> Iterator[ObjectInfo]:
        return iter(())


def record(number: int, random: np.random.Generator) -> dict[str, Any]:
    """A flight as a caller asks for it."""
    weather = {f"wx_{name}": round(float(random.normal(50, 20)), 2) for name in ("temp", "dewp", "humid", "pressure")}
    wind = {f"wx_{name}": None for name in ("wind_dir", "wind_speed", "wind_gust", "precip", "visib")}
    flight = {"flight_id": number, "sched_dep_local": "2013-06-30T10:15:00", "sched_dep_time": 1015}
    from_to = {"origin": ORIGINS[number % 3], "dest": "ORD", "distance": 500 + number % 997}
    place = {"sched_arr_time": 1400, "carrier": CARRIERS[number % 7]} | from_to
    return flight | place | weather | wind


def capture_lines(first: int, rows: int) -> bytes:
    """A capture file of so many requests."""
    random, lines = np.random.default_rng(first), []
    for number in range(first, first + rows):
        asked = {"observedContentType": "application/jsonlines", "mode": "INPUT", "encoding": "JSON"}
        answer = {"id": number, "score": float(random.random()), "prediction": 0, "version": 1}
        asked["data"] = json.dumps(record(number, random)) + "\n"
        said = asked | {"mode": "OUTPUT", "data": json.dumps(answer) + "\n"}
        time_ = (AT - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        meta = {"eventId": f"{number:08x}-0000-4000-8000-{number:012x}", "inferenceTime": time_}
        line = {"captureData": {"endpointInput": asked, "endpointOutput": said}, "eventMetadata": meta}
        lines.append(json.dumps(line | {"eventVersion": "0"}))
    return ("\n".join(lines) + "\n").encode()


def alone(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float, float, int]:
    """Answer, processor seconds, seconds and largest resident megabytes of a process that does nothing else."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measured, work, *arguments).result()


def _measured(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float, float, int]:
    began, clock = time.process_time(), time.monotonic()
    answer = work(*arguments)
    spent, lasted = time.process_time() - began, time.monotonic() - clock
    return answer, spent, lasted, _peak_mb()


def _peak_mb() -> int:
    """Of this program; what getrusage says counts the program that has started it, too."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "this needs Linux"
    return int(found[1]) // 1024


def spec() -> Spec:
    return load_spec_file(MODEL)


def decode(folder: Path) -> int:
    """Records of the one share."""
    objects: Any = FolderObjects(folder)
    return Shares("s3://temporary/plan", objects).decode(0, spec().data)


def both_ways(folder: Path) -> tuple[float, float]:
    """Processor seconds for one file, the slow way and the fast one; both give the same table."""
    body, data = next(folder.rglob("*.jsonl")).read_bytes(), spec().data
    began = time.process_time()
    events = [event for event in decode_lines(body.splitlines(keepends=True), data) if isinstance(event, Event)]
    slow = to_table(traffic(events), data)
    middle = time.process_time()
    fast = read_json_lines(body, data)
    if fast is None or not fast.equals(slow):
        raise AssertionError("the two ways of decoding disagree")
    return middle - began, time.process_time() - middle


def merge(folder: Path, earlier: dict[str, Any] | None = None) -> dict[str, Any]:
    """The window's entry. ``earlier`` is that of a window whose requests may have been captured again."""
    objects: Any = FolderObjects(folder)
    uri, ledger = "s3://captures/flights/windows", MemoryLedger()
    if earlier:
        ledger.append("window.collected", earlier["id"], earlier, AT - timedelta(days=1), "benchmark")
    collection = Collection(AT, 0, spec(), objects, ledger, [FOLDER], lambda w, f: f"{uri}/{w}/{f}")
    return Shares("s3://temporary/plan", objects).merge(collection)


def plan(folder: Path, files: list[CaptureFile], shares: list[list[int]]) -> None:
    target = Target("window", Span(AT - timedelta(days=1), AT), tuple(files), AT)
    body = json.dumps({"target": target.to_json(), "shares": shares}).encode()
    FolderObjects(folder).write("s3://temporary/plan/plan.json", body)


def one_share(folder: Path, megabytes: float) -> int:
    """Number of records in capture files of so many bytes, which are written and planned as one share."""
    files: list[CaptureFile] = []
    while sum(file.size for file in files) < megabytes * MEGABYTE:
        uri = f"{FOLDER}/2013/06/30/23/00-00-{len(files):03d}-f.jsonl"
        body = capture_lines(len(files) * FILE_ROWS, FILE_ROWS)
        FolderObjects(folder).write(uri, body)
        files.append(CaptureFile(uri, len(body)))
    plan(folder, files, [list(range(len(files)))])
    return len(files) * FILE_ROWS


def many_shares(folder: Path, rows: int, share_rows: int, day: int = 0) -> int:
    """Number of shares of so many records that are decoded by copies of one share, each with ids of its own."""
    decoded = pq.read_table(FolderObjects(folder).path("s3://temporary/plan/00000.parquet")).slice(0, share_rows)
    count = -(-rows // share_rows)
    for share in range(count):
        ids = [f"{day:02x}{share:06x}{each[8:]}" for each in decoded.column("_event_id").to_pylist()]
        flights = pa.array(range(share * share_rows, share * share_rows + decoded.num_rows))
        renamed = decoded.set_column(decoded.schema.get_field_index("flight_id"), "flight_id", flights)
        table = renamed.set_column(0, "_event_id", pa.array(ids)).cast(record_schema(spec().data))
        path = FolderObjects(folder).path(f"s3://temporary/plan/{share:05d}.parquet")
        pq.write_table(table, path, compression="lz4", use_dictionary=False, row_group_size=250_000)
        said = {"rest": {}, "unreadable": 0, "first": [], "rows": table.num_rows}
        path.with_suffix(".json").write_text(json.dumps(said))
    uri = f"{FOLDER}/2013/06/30/23/00-00-000-f.jsonl"
    plan(folder, [CaptureFile(uri, 1)], [[0]] * count)
    return count


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--records", type=int, default=10_000_000)
    asked.add_argument("--megabytes", type=float, default=96)
    arguments = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="windows-") as scratch:
        folder = Path(scratch)
        rows = one_share(folder, arguments.megabytes)
        (slow, fast), *_ = alone(both_ways, folder)
        print(f"one file of {FILE_ROWS:,} records: {FILE_ROWS / slow:,.0f} a processor second line by line, ", end="")
        print(f"{FILE_ROWS / fast:,.0f} column by column, {slow / fast:.1f} times as many")
        _, spent, lasted, megabytes = alone(decode, folder)
        print(f"one share: {rows:,} records, {spent:.1f} processor s, {lasted:.1f} s, {megabytes} MB")
        shares = many_shares(folder, arguments.records, rows)
        entry, spent_merging, merging, peak = alone(merge, folder)
        print(f"merge of {shares} shares: {entry['rows']:,} records, {spent_merging:.1f} processor s, ", end="")
        print(f"{merging:.1f} s, {peak} MB")
        rounds = -(-shares // 8)
        print(
            f"window: {rounds} rounds of 8 shares at {spent:.1f} s and the merge: {rounds * spent + spent_merging:.0f}"
        )


if __name__ == "__main__":
    main()
