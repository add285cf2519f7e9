"""The stream that Arrow fills its own memory from."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.data.samples import parquet, trips
from trimtab.data.arrow_stream import ArrowStream


class Halting(io.RawIOBase):
    """Gives three bytes at a time, as a connection may."""

    def __init__(self, body: bytes) -> None:
        self._within = io.BytesIO(body)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = self._within.read(min(3, len(buffer)))
        buffer[: len(part)] = part
        return len(part)

    def seek(self, place: int, whence: int = 0) -> int:
        return self._within.seek(place, whence)

    def tell(self) -> int:
        return self._within.tell()


@pytest.mark.parametrize("kind", [io.BytesIO, Halting])
def test_what_is_asked_for_is_read_however_little_comes_at_once(kind: type) -> None:
    stream = ArrowStream(kind(b"0123456789"))
    assert stream.read_buffer(4).to_pybytes() == b"0123"
    assert stream.read_buffer(100).to_pybytes() == b"456789"
    assert stream.read_buffer(100).to_pybytes() == b""


def test_a_size_that_a_damaged_file_claims_takes_no_memory() -> None:
    before = pa.total_allocated_bytes()
    buffer = ArrowStream(io.BytesIO(b"short")).read_buffer(1 << 60)
    assert buffer.to_pybytes() == b"short"
    assert pa.total_allocated_bytes() - before < 1_000


def test_a_stream_that_shrank_ends_where_it_ends() -> None:
    within = io.BytesIO(b"0123456789")
    stream = ArrowStream(within)
    within.truncate(3)
    assert stream.read_buffer(10).to_pybytes() == b"012"


def test_arrow_reads_a_file_by_it_and_leaves_the_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    read_buffer = ArrowStream.read_buffer

    def watched(self: ArrowStream, size: int) -> pa.Buffer:
        asked.append(size)
        return read_buffer(self, size)

    monkeypatch.setattr(ArrowStream, "read_buffer", watched)
    path = tmp_path / "drop.parquet"
    path.write_bytes(parquet(trips()).getvalue())
    with path.open("rb") as file:
        with pq.ParquetFile(ArrowStream(file)) as read:
            assert read.read().equals(pq.read_table(path))
        assert not file.closed
    assert asked
