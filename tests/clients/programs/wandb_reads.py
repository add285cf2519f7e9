"""Reads a .wandb file with Weights & Biases' own messages; prints JSON."""

import json
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import Record

BLOCK, FRAME = 32768, struct.Struct("<IHB")


def records(log: bytes) -> Iterator[Record]:
    """Frames as wandb's own log has them: checked, and joined where one record spans several."""
    assert log[:7] == b":W&B\xe1\xbe\x00"
    at, body = 7, b""
    while at < len(log):
        if BLOCK - at % BLOCK < FRAME.size:
            at += BLOCK - at % BLOCK
            continue
        checksum, length, kind = FRAME.unpack_from(log, at)
        piece = log[at + FRAME.size : at + FRAME.size + length]
        assert zlib.crc32(bytes([kind]) + piece) == checksum, at
        body, at = body + piece, at + FRAME.size + length
        if kind in (1, 4):
            yield Record.FromString(body)
            body = b""


def told(path: str) -> dict[str, object]:
    """What the run says of itself."""
    found = {record.WhichOneof("record_type"): record for record in records(Path(path).read_bytes())}
    run = found["run"].run
    return {
        "kinds": list(found),
        "run": [run.run_id, run.project, run.display_name, run.run_group, list(run.tags)],
        "started": run.start_time.seconds,
        "config": {item.key: json.loads(item.value_json) for item in run.config.update},
        "summary": {item.key: json.loads(item.value_json) for item in found["summary"].summary.update},
        "history": {item.key: json.loads(item.value_json) for item in found["history"].history.item},
        "exit": [found["exit"].exit.exit_code, found["exit"].exit.runtime],
    }


print(json.dumps(told(sys.argv[1])))
