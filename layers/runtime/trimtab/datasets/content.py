"""The digest of a table's content: of its values, not of how a file happens to hold them."""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def content_digest(table: pa.Table) -> str:
    """Hex SHA-256 over names, types, gaps and values, column by column; equal tables have equal digests for ever.

    What Parquet or Arrow write of a table may change with their version; this does not. NaN counts as missing.
    """
    digest = hashlib.sha256()
    for name in table.column_names:
        column = _whole(table.column(name))
        _add(digest, f"{name}\0{column.type}\0{len(column)}".encode())
        for part in _parts(column):
            _add(digest, part)
    return digest.hexdigest()


def _add(digest: Any, part: bytes) -> None:
    """Preceded by its length, so that no two lists of parts are taken for each other."""
    digest.update(len(part).to_bytes(8, "big"))
    digest.update(part)


def _parts(column: pa.Array) -> tuple[bytes, ...]:
    """Which values are there, and the values, little-endian, with nothing where there is none."""
    there = np.asarray(pc.is_valid(column))
    if pa.types.is_floating(column.type):
        values = np.asarray(column.to_numpy(zero_copy_only=False), dtype="<f8")
        there = ~np.isnan(values)
        return _packed(there), np.where(there, values, 0.0).tobytes()
    if pa.types.is_string(column.type):
        texts = column.fill_null("")
        lengths = np.asarray(pc.binary_length(texts)).astype("<i8")
        return _packed(there), lengths.tobytes(), _bytes(texts)
    whole = column.cast(pa.int64()) if not pa.types.is_boolean(column.type) else column.cast(pa.int8()).cast(pa.int64())
    return _packed(there), np.asarray(whole.fill_null(0)).astype("<i8").tobytes()


def _bytes(texts: pa.Array) -> bytes:
    """The UTF-8 of all texts, one after the other."""
    _, places, data = texts.buffers()
    if not len(texts) or data is None:
        return b""
    first, last = np.frombuffer(places, np.int32)[[texts.offset, texts.offset + len(texts)]]
    return bytes(data[int(first) : int(last)].to_pybytes())


def _packed(there: Any) -> bytes:
    return bytes(np.packbits(there).tobytes())


def _whole(column: Any) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column.cast(pa.string()) if pa.types.is_large_string(column.type) else column
