"""A window whose capture files are too many for one function: shared out, decoded side by side, and merged.

The window is the one that a single function would have made. A share's records lie in a file of their own until the
merge, which reads them in row groups, so that no function holds more than a share.
"""

import io
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from trimtab.data.limits import MEGABYTE
from trimtab.monitoring.collect import Collection
from trimtab.monitoring.decode import Decoding, Unreadable
from trimtab.monitoring.files import CaptureFile
from trimtab.monitoring.records import record_schema
from trimtab.monitoring.target import Target
from trimtab.monitoring.window_file import GROUP, grouped
from trimtab.ports import ObjectStore
from trimtab.spec import DataSpec

PLAN: Final = "plan.json"


def cut(files: Sequence[CaptureFile], share_bytes: float) -> list[list[int]]:
    """Places of the files of each share: in their order, about ``share_bytes`` each; no file is cut."""
    shares: list[list[int]] = [[]]
    size = 0
    for place, file in enumerate(files):
        if shares[-1] and size + file.size > share_bytes:
            shares.append([])
            size = 0
        shares[-1].append(place)
        size += file.size
    return shares


@dataclass(frozen=True)
class Shares:
    """The shares of one window. ``folder`` is the URI under which plan and decoded records go."""

    folder: str
    objects: ObjectStore

    def plan(self, target: Target, share_megabytes: float) -> int:
        """How many shares there are; the plan is stored."""
        shares = cut(target.files, share_megabytes * MEGABYTE)
        body = json.dumps({"target": target.to_json(), "shares": shares}).encode()
        self.objects.write(f"{self.folder}/{PLAN}", body, "application/json")
        return len(shares)

    def decode(self, share: int, data: DataSpec) -> int:
        """Records of the share, which are stored, requests that were captured twice included."""
        target, shares = self._planned()
        decoding = Decoding(self.objects, data, target.until)
        tables = decoding.tables([target.files[place] for place in shares[share]])
        rows = self._write(share, record_schema(data), tables)
        bad = decoding.unreadable
        said = {"rest": decoding.rest, "unreadable": bad.count, "first": bad.first, "rows": rows}
        self.objects.write(self._uri(share, "json"), json.dumps(said).encode(), "application/json")
        return rows

    def merge(self, collection: Collection) -> dict[str, Any]:
        """Data of the ``window.collected`` entry, as `Collection.collect` gives it."""
        target, shares = self._planned()
        unreadable, rest = Unreadable(), dict[str, list[str]]()
        for share in range(len(shares)):
            said = json.loads(self.objects.read(self._uri(share, "json")))
            unreadable.add(said["first"], said["unreadable"])
            rest |= said["rest"]
        with tempfile.TemporaryDirectory(prefix="merge-") as scratch:
            paths = [Path(scratch, f"{share}.parquet") for share in range(len(shares))]
            for share, path in enumerate(paths):
                self.objects.download(self._uri(share, "parquet"), path)
            columns = record_schema(collection.spec.data).names
            found = collection.distinct(target, lambda *only: _records(paths, only or columns), rest, unreadable)
            return collection.recorded(found)

    def _planned(self) -> tuple[Target, list[list[int]]]:
        plan = json.loads(self.objects.read(f"{self.folder}/{PLAN}"))
        return Target.of_json(plan["target"]), plan["shares"]

    def _uri(self, share: int, kind: str) -> str:
        return f"{self.folder}/{share:05d}.{kind}"

    def _write(self, share: int, schema: pa.Schema, tables: Iterator[pa.Table]) -> int:
        rows = 0
        with tempfile.TemporaryDirectory(prefix="share-") as scratch:
            path = Path(scratch, "records.parquet")
            with pq.ParquetWriter(path, schema, compression="lz4", use_dictionary=False) as writer:
                for table in grouped(tables):
                    writer.write_table(table, row_group_size=GROUP)
                    rows += table.num_rows
            self.objects.upload(self._uri(share, "parquet"), path)
        return rows


def _records(paths: Sequence[Path], columns: Sequence[str]) -> Iterator[pa.Table]:
    """All records, some hundred thousand at a time."""
    for path in paths:
        file = pq.ParquetFile(io.BufferedReader(io.FileIO(path)))
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns=list(columns), use_threads=False)
