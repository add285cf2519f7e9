"""What format a file has, as its name claims."""

from typing import Literal

Format = Literal["parquet", "csv", "jsonl"]

_SUFFIXES: dict[str, Format] = {
    "parquet": "parquet",
    "pq": "parquet",
    "csv": "csv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "json": "jsonl",
}
_COMPRESSIONS = ("gz", "gzip", "zst", "zstd")


def format_of(name: str, fallback: Format) -> Format:
    """The format that a file name claims (``.csv``, ``.csv.gz``, ``.parquet``, ``.jsonl.zst``), else the fallback."""
    parts = name.lower().rsplit("/", 1)[-1].split(".")
    if parts[-1] in _COMPRESSIONS:
        parts.pop()
    return _SUFFIXES.get(parts[-1], fallback)
