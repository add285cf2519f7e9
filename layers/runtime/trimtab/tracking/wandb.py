"""Weights & Biases in offline mode: a run folder as its client writes it, for ``wandb sync``. Needs only Python.

The file of a run is a log of Protocol Buffers records (wandb_internal.proto of wandb 0.31) in the frames of LevelDB's
log, with zlib's CRC-32 in place of LevelDB's masked CRC-32C, behind a header of its own.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from trimtab.tracking.tracked import TrackedRun

_HEADER = b":W&B" + struct.pack("<HB", 0xBEE1, 0)
_BLOCK, _FRAME = 32768, struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_PRODUCER, _MIN_CONSUMER = "trimtab", "0.70.0"
# fields of Record
_HISTORY, _SUMMARY, _RUN, _EXIT, _HEADER_RECORD = 2, 3, 17, 18, 21


@dataclass(frozen=True)
class WandbOffline:
    """Writes an offline run for every run."""

    project: str
    write: Callable[[str, bytes], str]
    """Puts bytes at a path below the folder of tracked runs; gives the address."""

    def record(self, run: TrackedRun) -> str:
        folder, identity = folder_of(run), run_id(run.name)
        for name, body in run.files.items():
            self.write(f"{folder}/files/{name}", body)
        return self.write(f"{folder}/run-{identity}.wandb", log_of(run, self.project))

    def champion(self, model: str, run: str, version: int) -> str:
        """An offline run cannot be changed; the mark is a file beside the runs."""
        said = {"model": model, "run": run, "wandb_run": run_id(run), "version": version}
        return self.write("champion.json", json.dumps(said).encode())


def run_id(name: str) -> str:
    """Weights & Biases' id of a run: eight letters or digits, always the same for the same run."""
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def folder_of(run: TrackedRun) -> str:
    """Name of the run's folder, as ``wandb sync`` looks for it."""
    return f"offline-run-{run.started:%Y%m%d_%H%M%S}-{run_id(run.name)}"


def log_of(run: TrackedRun, project: str) -> bytes:
    """The bytes of the run's .wandb file."""
    return _HEADER + b"".join(_frames(_records(run, project), len(_HEADER)))


def _records(run: TrackedRun, project: str) -> Iterator[bytes]:
    seconds = int((run.ended - run.started).total_seconds())
    measured = {name: json.dumps(value) for name, value in run.metrics.items()}
    clock = {"_step": "0", "_runtime": str(seconds), "_timestamp": json.dumps(run.ended.timestamp())}
    version = _text(1, _PRODUCER) + _text(2, _MIN_CONSUMER)
    bodies = [
        (_HEADER_RECORD, _message(1, version)),
        (_RUN, _run(run, project)),
        (_HISTORY, b"".join(_message(1, _item(*each)) for each in (measured | clock).items()) + _message(2, b"")),
        (_SUMMARY, b"".join(_message(1, _item(*each)) for each in (measured | clock).items())),
        (_EXIT, _number(1, 1 if run.outcome == "Failed" else 0) + _number(2, seconds)),
    ]
    for position, (field, body) in enumerate(bodies, start=1):
        yield _number(1, position) + _message(field, body)


def _run(run: TrackedRun, project: str) -> bytes:
    settings: dict[str, Any] = dict(run.params) | {"dataset": run.dataset, "outcome": run.outcome}
    config = b"".join(_message(1, _item(name, json.dumps(value))) for name, value in settings.items())
    start = _number(1, int(run.started.timestamp())) + _number(2, run.started.microsecond * 1000)
    tags = b"".join(_text(10, f"{name}:{value}"[:64]) for name, value in run.tags.items())
    named = _text(1, run_id(run.name)) + _text(3, project) + _message(4, config) + _text(6, run.model)
    return named + _text(7, "training") + _text(8, run.name) + _text(9, run.reason) + tags + _message(17, start)


def _item(key: str, value_json: str) -> bytes:
    """A key and its JSON text: the same fields in config, history and summary."""
    return _text(1, key) + _text(16, value_json)


def _text(field: int, value: str) -> bytes:
    return _message(field, value.encode()) if value else b""


def _message(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value) if value else b""


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def _frames(records: Iterable[bytes], at: int) -> Iterator[bytes]:
    """The records cut so that no frame crosses a block's end."""
    for record in records:
        is_first = True
        while True:
            room = _BLOCK - at % _BLOCK
            if room < _FRAME.size:
                yield bytes(room)
                at, room = at + room, _BLOCK
            piece, record = record[: room - _FRAME.size], record[room - _FRAME.size :]
            yield _frame(piece, _kind(is_first=is_first, is_last=not record))
            at, is_first = at + _FRAME.size + len(piece), False
            if not record:
                break


def _kind(*, is_first: bool, is_last: bool) -> int:
    return {(True, True): _FULL, (True, False): _FIRST, (False, False): _MIDDLE}.get((is_first, is_last), _LAST)


def _frame(piece: bytes, kind: int) -> bytes:
    return _FRAME.pack(zlib.crc32(bytes([kind]) + piece), len(piece), kind) + piece
