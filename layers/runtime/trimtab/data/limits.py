"""Caps that keep a hostile file from costing more than it may."""

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Largest sizes that are read at all. Each is far above what an honest file needs."""

    bytes_unpacked: int = 8 * 1024 * MEGABYTE
    """Of a CSV or JSON Lines file after decompression."""
    ratio: int = 200
    """Decompressed bytes per compressed byte, once ``ratio_from`` bytes have come out."""
    ratio_from: int = 64 * MEGABYTE
    columns: int = 2_000
    line_bytes: int = MEGABYTE
    """Of one line of JSON Lines, of one row of CSV, or of one text in Parquet."""
    chunk_bytes: int = 64 * MEGABYTE
    """Of one column's texts in one row group of Parquet, unpacked, if a text has over ``long_text_bytes`` on average.

    A single text of hundreds of megabytes would be in memory several times before its length is seen.
    """
    long_text_bytes: int = 16 * 1024
    batch_bytes: int = 8 * MEGABYTE
    """Of the lines of JSON Lines that are held at once."""
    batch_rows: int = 65_536


DEFAULT_LIMITS = Limits()
