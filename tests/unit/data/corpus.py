"""Files as they come when something went wrong, each made here, with the verdict it deserves and the rule it breaks.

A rule of None stands for a file that only looks bad. Everything is seeded: the corpus is the same on every machine.
"""

import gzip
import io
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.unit.data.samples import DATA, csv, parquet, trips
from trimtab.data.read import Format
from trimtab.spec import DataSpec

ACCEPT, WARN, REFUSE = "accept", "accept_warn", "quarantine"
CONTRACT = DataSpec.model_validate(
    DATA.model_dump() | {"columns": DATA.model_dump()["columns"] | {"note": {"type": "string", "nullable": True}}}
)
ROWS = 300


@dataclass(frozen=True)
class Bad:
    """One file of the corpus."""

    name: str
    format: Format
    body: bytes
    verdict: str
    rule: str | None


def table(rows: int = ROWS, **columns: Any) -> pa.Table:
    """A table that keeps the contract, but for the columns given."""
    return trips(rows, **({"note": ["as usual"] * rows} | columns))


def with_column(name: str, values: Any) -> bytes:
    """A Parquet file whose column ``name`` holds other values."""
    whole = table()
    return parquet(whole.set_column(whole.column_names.index(name), name, values)).getvalue()


def repeated(value: Any, type_: pa.DataType | None = None) -> pa.Array:
    return pa.array([value] * ROWS, type_)


PARQUET = parquet(table()).getvalue()
CSV = csv(table()).getvalue()
LINES = [json.dumps(row, default=str) for row in table(20).to_pylist()]


def flipped(body: bytes, seed: int, count: int = 40) -> bytes:
    """The file with some bytes inverted, but for its first and last four."""
    broken = bytearray(body)
    for place in np.random.default_rng(seed).integers(4, len(body) - 4, count):
        broken[place] ^= 0xFF
    return bytes(broken)


def cuts(body: bytes, seed: int, count: int) -> Iterator[bytes]:
    """The file, truncated at random places."""
    for end in np.random.default_rng(seed).integers(1, len(body) - 1, count).tolist():
        yield body[:end]


def edited(column: str, text: str, row: int = 3) -> bytes:
    """The CSV file with one cell written otherwise."""
    lines = CSV.decode().splitlines()
    cells = lines[row].split(",")
    cells[lines[0].replace('"', "").split(",").index(column)] = text
    lines[row] = ",".join(cells)
    return "\n".join(lines).encode() + b"\n"


def every(column: str, write: Callable[[str], str]) -> bytes:
    """The CSV file with every cell of a column written otherwise."""
    lines = CSV.decode().splitlines()
    place = lines[0].replace('"', "").split(",").index(column)
    rows = [line.split(",") for line in lines[1:]]
    return "\n".join([lines[0], *(",".join([*r[:place], write(r[place]), *r[place + 1 :]]) for r in rows)]).encode()


def decimal_commas(separator: str = ";") -> bytes:
    """As a spreadsheet of central Europe writes it."""
    lines = CSV.decode().replace(",", separator).splitlines()
    place = lines[0].replace('"', "").split(separator).index("miles")
    rows = [line.split(separator) for line in lines[1:]]
    changed = [[*row[:place], f"{float(row[place]):.2f}".replace(".", ","), *row[place + 1 :]] for row in rows]
    return "\n".join([lines[0], *(separator.join(row) for row in changed)]).encode()


def line(**values: Any) -> bytes:
    """A JSON Lines file whose first object has other values."""
    return "\n".join([json.dumps(json.loads(LINES[0]) | values, default=str), *LINES[1:]]).encode()


def wide(columns: int) -> dict[str, list[int]]:
    return {f"column_{number}": [1] for number in range(columns)}


def compressed(body: bytes, codec: str) -> bytes:
    return bytes(pa.compress(body, codec, asbytes=True))


def stored_twice(name: str) -> bytes:
    whole = table()
    names = [name if old == "note" else old for old in whole.column_names]
    return parquet(pa.table(whole.columns, names=names)).getvalue()


@cache
def disowned_page() -> bytes:
    """A Parquet file with a number changed after it was written, which only the checksum of its page tells."""
    written, whole = io.BytesIO(), table(miles=[0.5, 7.125] + [9.5] * (ROWS - 2))
    pq.write_table(whole, written, compression="none", use_dictionary=False, write_page_checksum=True)
    return written.getvalue().replace(struct.pack("<d", 7.125), struct.pack("<d", 8.125))


def corpus() -> tuple[Bad, ...]:
    """All of them."""
    return (*_parquet(), *_parquet_types(), *_csv(), *_csv_forms(), *_csv_cells(), *_packed(), *_jsonl(), *_hostile())


def _parquet() -> Iterator[Bad]:
    for number, body in enumerate(cuts(PARQUET, 1, 8)):
        yield Bad(f"parquet cut {number}", "parquet", body, REFUSE, "readable")
    whole = table()
    for name, body, rule in [
        ("empty", b"", "readable"),
        ("only a mark", b"PAR1", "readable"),
        ("two marks", b"PAR1PAR1", "readable"),
        ("a wrong mark at the end", PARQUET[:-4] + b"PAR2", "readable"),
        ("an encrypted footer", PARQUET[:-4] + b"PARE", "readable"),
        ("a footer longer than the file", PARQUET[:-8] + struct.pack("<I", 0x7FFF_FFFF) + b"PAR1", "readable"),
        ("a footer of no length", PARQUET[:-8] + struct.pack("<I", 0) + b"PAR1", "readable"),
        ("a footer of noise", flipped(PARQUET[-600:], 3, 200).join([PARQUET[:-600], b""]), "readable"),
        ("csv called parquet", CSV, "readable"),
        ("zeros", bytes(5_000), "readable"),
        ("noise", np.random.default_rng(0).bytes(5_000), "readable"),
        ("no rows", parquet(table(0)).getvalue(), "min_rows"),
        ("none of the columns", parquet(pa.table({"x": [1]})).getvalue(), "missing_column"),
        ("a column missing", parquet(whole.drop_columns(["stops"])).getvalue(), "missing_column"),
        ("a column renamed", parquet(whole.rename_columns({"miles": "Miles "})).getvalue(), "renamed_column"),
        ("a column twice", stored_twice("miles"), "repeated_column"),
        ("the id twice in a row", with_column("trip", pa.array([7] * ROWS)), "unique"),
        ("a page that its checksum disowns", disowned_page(), "readable"),
        ("a text of 2 MB", with_column("note", pa.array(["x" * 2_000_000] + ["y"] * (ROWS - 1))), "limits"),
        ("a text of 100 MB", with_column("note", pa.array(["x" * 100_000_000] + ["y"] * (ROWS - 1))), "limits"),
        ("10,000 columns", parquet(pa.table(wide(10_000))).getvalue(), "limits"),
    ]:
        yield Bad(f"parquet: {name}", "parquet", body, REFUSE, rule)
    yield Bad("parquet: an extra column", "parquet", parquet(table(spare=[1] * ROWS)).getvalue(), WARN, "extra_column")
    order = parquet(whole.select(whole.column_names[::-1])).getvalue()
    yield Bad("parquet: columns in another order", "parquet", order, ACCEPT, None)
    many = io.BytesIO()
    pq.write_table(whole, many, row_group_size=1)
    yield Bad("parquet: a row group for every row", "parquet", many.getvalue(), ACCEPT, None)


def _parquet_types() -> Iterator[Bad]:
    zoned = table()["started"].cast(pa.timestamp("ns", "America/New_York"))
    for name, column, values in [
        ("decimals for numbers", "miles", repeated(Decimal("1.25"))),
        ("wide decimals for numbers", "miles", repeated(Decimal(7), pa.decimal128(38, 10))),
        ("single floats for numbers", "miles", repeated(1.5, pa.float32())),
        ("NaN for missing numbers", "miles", repeated(float("nan"))),
        ("time zones", "started", zoned),
        ("large strings", "line", repeated("red", pa.large_string())),
        ("views of strings", "line", repeated("red").cast(pa.string_view())),
        ("dictionaries", "line", repeated("red").dictionary_encode()),
        ("whole floats for integers", "stops", repeated(3.0)),
        ("zeros and ones for booleans", "express", repeated(1, pa.int8())),
    ]:
        yield Bad(f"parquet: {name}", "parquet", with_column(column, values), ACCEPT, None)
    for name, column, values, rule in [
        ("lists", "miles", repeated([1.0]), "type"),
        ("structs", "miles", repeated({"a": 1}), "type"),
        ("maps", "line", repeated([("a", 1)], pa.map_(pa.string(), pa.int64())), "type"),
        ("bytes for text", "line", repeated(b"red"), "type"),
        ("bytes called text", "note", repeated(b"\xff\xfe").view(pa.string()), "type"),
        ("text for numbers", "miles", repeated("1.5"), "type"),
        ("numbers for text", "line", repeated(1), "type"),
        ("times of day for timestamps", "started", repeated(time(1, 2)), "type"),
        ("numbers for timestamps", "started", repeated(1_700_000_000), "type"),
        ("dates out of the calendar", "started", repeated(2**62, pa.timestamp("us")), "type"),
        ("fractions for integers", "stops", repeated(1.5), "type"),
        ("integers beyond 64 bits", "stops", repeated(2**64 - 1, pa.uint64()), "type"),
        ("twos for booleans", "express", repeated(2), "type"),
        ("infinities", "miles", repeated(float("-inf")), "finite"),
        ("nothing but nulls", "stops", pa.nulls(ROWS), "not_null"),
        ("values out of range", "miles", repeated(1e9), "range"),
        ("a new level", "line", repeated("violet"), "domain"),
        ("another notation", "code", repeated("ab"), "pattern"),
        ("days for timestamps", "trip", repeated(date(2026, 1, 1)), "type"),
    ]:
        yield Bad(f"parquet: {name}", "parquet", with_column(column, values), REFUSE, rule)


def _csv() -> Iterator[Bad]:
    header, rest = CSV.split(b"\n", 1)
    for name, body, rule in [
        ("empty", b"", "readable"),
        ("blank lines only", b"\n\n\n", "header"),
        ("a header and no rows", header + b"\n", "min_rows"),
        ("no header", rest, "header"),
        ("a page that says no", b"<!doctype html><html><body>Access denied</body></html>", "missing_column"),
        ("parquet called csv", PARQUET, "format"),
        ("a spreadsheet", b"PK\x03\x04" + bytes(200), "format"),
        ("a PDF", b"%PDF-1.7\n" + bytes(200), "format"),
        ("a database", b"SQLite format 3\x00" + bytes(200), "format"),
        ("10,000 columns", ",".join(wide(10_000)).encode() + b"\n" + b"1," * 9_999 + b"1\n", "limits"),
        ("a name twice in the header", CSV.replace(b'"note"', b'"miles"', 1), "repeated_column"),
        ("cut in the middle of a row", CSV[: CSV.rindex(b",")], "cells_per_row"),
        ("a row with more cells", CSV + b",".join([b"1"] * 20) + b"\n", "cells_per_row"),
        ("a row with fewer cells", CSV + b"1,2\n", "cells_per_row"),
        ("a quote left open", CSV + b'9,"' + b"x,y\n" * 400_000, None),
        ("a row of 3 MB", CSV + b'"' + b"x" * 3_000_000 + b'"\n', "readable"),
        ("a cell of 900 KB", edited("line", "x" * 900_000), "domain"),
        ("zeros", bytes(5_000), "missing_column"),
    ]:
        yield Bad(f"csv: {name}", "csv", body, REFUSE, rule)
    for seed in range(4):
        yield Bad(f"csv: flipped bytes {seed}", "csv", flipped(CSV, seed, 200), REFUSE, None)
    for name, body in [
        ("Windows line ends", CSV.replace(b"\n", b"\r\n")),
        ("old Mac line ends", CSV.replace(b"\n", b"\r")),
        ("blank lines at the end", CSV + b"\n\n\n"),
        ("a byte order mark", b"\xef\xbb\xbf" + CSV),
        ("no newline at the end", CSV.rstrip(b"\n")),
    ]:
        yield Bad(f"csv: {name}", "csv", body, ACCEPT, None)


def _csv_forms() -> Iterator[Bad]:
    text = CSV.decode()
    noted = edited("note", '"Größe"').decode()
    for name, body, rule in [
        ("semicolons", CSV.replace(b",", b";"), "dialect"),
        ("tabs", CSV.replace(b",", b"\t"), "dialect"),
        ("vertical bars", CSV.replace(b",", b"|"), "dialect"),
        ("apostrophes for quotes", CSV.replace(b'"', b"'"), "dialect"),
        ("decimal commas", decimal_commas(), "dialect"),
        ("utf-16 with a mark", noted.encode("utf-16"), "encoding"),
        ("utf-16 without a mark", text.encode("utf-16-le"), "encoding"),
        ("utf-16, big end first", b"\xfe\xff" + noted.encode("utf-16-be"), "encoding"),
        ("utf-32", noted.encode("utf-32"), "encoding"),
        ("windows-1252", noted.encode("cp1252"), "encoding"),
        ("utf-16 in gzip", gzip.compress(noted.encode("utf-16")), "encoding"),
    ]:
        yield Bad(f"csv: {name}", "csv", body, WARN, rule)
    mixed = edited("note", '"Größe"') + noted.encode("cp1252").split(b"\n")[3] + b"\n"
    for name, body, rule in [
        ("Cyrillic in one byte", edited("note", '"Привет"').decode().encode("cp1251"), "readable"),
        ("Japanese in Shift-JIS", edited("note", '"日本語テキスト"').decode().encode("shift_jis"), "readable"),
        ("two encodings in one file", mixed, "readable"),
        ("a character cut at the end", CSV + "9,ß".encode()[:-1], "readable"),
        ("half a character of utf-16", noted.encode("utf-16") + b"x", "readable"),
        ("a wrong pair of utf-16", "a,b\n".encode("utf-16") + b"\x00\xd8\x00\x00" + b"x\x00" * 10, "readable"),
        ("latin-1 in a header", "größe,b\n1,2\n".encode("latin-1"), "missing_column"),
    ]:
        yield Bad(f"csv: {name}", "csv", body, REFUSE, rule)


def _csv_cells() -> Iterator[Bad]:
    for name, body, rule in [
        ("words among numbers", edited("stops", "many"), "type"),
        ("numbers that become words half way", CSV + edited("miles", "far", ROWS).splitlines()[ROWS] + b"\n", "type"),
        ("thousands", every("miles", lambda cell: '"1,234"'), "type"),
        ("hexadecimal", edited("stops", "0x10"), "type"),
        ("underscores", edited("stops", "1_0"), "type"),
        ("digits of another alphabet", edited("stops", "\u0663"), "type"),
        ("yes and no", every("express", lambda cell: "yes"), "type"),
        ("days first", every("started", lambda cell: "31/01/2026"), "type"),
        ("an infinity", edited("miles", "inf"), "finite"),
        ("a number too large for its type", edited("stops", "9" * 30), "type"),
        ("an empty cell where none may be", edited("stops", ""), "not_null"),
        ("NA for an integer", edited("stops", "NA"), "not_null"),
        ("a formula in a level", edited("line", '"=cmd|calc"'), "domain"),
        ("a null character", edited("line", '"re\x00d"'), "domain"),
    ]:
        yield Bad(f"csv: {name}", "csv", body, REFUSE, rule)
    for name, body, rule in [
        ("a formula", edited("note", '"=HYPERLINK(""http://x"")"'), "formula"),
        ("a formula that begins with a sign", edited("note", "+SUM(1)"), "formula"),
        ("e-mail addresses", every("note", lambda cell: "ann.o@example.org"), "personal_data"),
        ("card numbers", every("note", lambda cell: "4111 1111 1111 1111"), "personal_data"),
        ("account numbers", every("note", lambda cell: "DE89370400440532013000"), "personal_data"),
        ("phone numbers", every("note", lambda cell: "+49 30 123456"), "personal_data"),
        ("identity numbers", every("note", lambda cell: "078-05-1120"), "personal_data"),
    ]:
        yield Bad(f"csv: {name}", "csv", body, WARN, rule)
    yield Bad("csv: NaN for a number that may be missing", "csv", edited("miles", "NaN"), ACCEPT, None)
    yield Bad("csv: spaces about a number", "csv", edited("stops", " 3 "), ACCEPT, None)


def _packed() -> Iterator[Bad]:
    packed = gzip.compress(CSV, mtime=0)
    for name, body, rule in [
        ("half a gzip", packed[: len(packed) // 2], "readable"),
        ("a gzip with a wrong checksum", packed[:-8] + b"12345678", "readable"),
        ("a gzip with flipped bytes", flipped(packed, 5), "readable"),
        ("half a zstd", compressed(CSV, "zstd")[:2_000], "readable"),
        ("compressed twice", gzip.compress(packed, mtime=0), "format"),
        ("parquet in gzip", gzip.compress(PARQUET, mtime=0), "format"),
        ("bzip2", b"BZh91AY&SY" + bytes(100), "format"),
        ("xz", b"\xfd7zXZ\x00" + bytes(100), "format"),
        ("a gzip bomb", gzip.compress(CSV + b"\n" * 100_000_000, 9, mtime=0), "limits"),
        ("a zstd bomb", compressed(CSV + b" " * 100_000_000, "zstd"), "limits"),
    ]:
        yield Bad(f"packed: {name}", "csv", body, REFUSE, rule)
    for name, body in [
        ("gzip", packed),
        ("zstd", compressed(CSV, "zstd")),
        ("gzip in two members", gzip.compress(CSV[:9_000], mtime=0) + gzip.compress(CSV[9_000:], mtime=0)),
    ]:
        yield Bad(f"packed: {name}", "csv", body, ACCEPT, None)


def _jsonl() -> Iterator[Bad]:
    whole = "\n".join(LINES).encode()
    for name, body, rule in [
        ("empty", b"", "readable"),
        ("no json", whole + b"\nnot json\n", "readable"),
        ("a list", b"[1, 2]\n", "readable"),
        ("one list of all", b"[" + b",\n".join(line.encode() for line in LINES) + b"]", "readable"),
        ("written for people", json.dumps(json.loads(LINES[0]), indent=2).encode(), "readable"),
        ("cut off", whole[:-9], "readable"),
        ("NaN", whole.replace(b'"stops": ', b'"stops": NaN, "x": ', 1), "readable"),
        ("deep", b"[" * 500_000, "readable"),
        ("a deep value", b'{"a": ' + b'{"a": ' * 100_000 + b"1" + b"}" * 100_001, "readable"),
        ("a line of 2 MB", b'{"a": "' + b"x" * 2_000_000 + b'"}', "limits"),
        ("5,000 keys", json.dumps(dict.fromkeys(map(str, range(5_000)), 1)).encode(), "limits"),
        ("a number of 10,000 digits", whole + b'\n{"trip": ' + b"9" * 10_000 + b"}", "readable"),
        ("a key twice", whole.replace(b'"stops": ', b'"miles": 1, "stops": ', 1), "repeated_column"),
        ("a list for a number", line(miles=[1]), "type"),
        ("an object for text", line(line={"a": 1}), "type"),
        ("text for a number", line(miles="1.5"), "type"),
        ("a number beyond floats", whole.replace(b'"note"', b'"x": 1e999, "note"', 1), "extra_column"),
        ("half a surrogate", line(code="\ud800"), "type"),
        ("nothing but nulls", b"\n".join([json.dumps(dict.fromkeys(CONTRACT.columns)).encode()] * 3), "not_null"),
        ("a column missing", b"\n".join(b'{"trip": %d}' % row for row in range(9)), "missing_column"),
    ]:
        verdict = WARN if rule == "extra_column" else REFUSE
        yield Bad(f"json: {name}", "jsonl", body, verdict, rule)
    yield Bad("json: blank lines", "jsonl", whole.replace(b"\n", b"\n\n"), ACCEPT, None)
    yield Bad(
        "json: windows-1252", "jsonl", line(note="Größe").decode("unicode_escape").encode("cp1252"), WARN, "encoding"
    )


def _hostile() -> Iterator[Bad]:
    keys = [
        "__proto__",
        "",
        "a" * 100_000,
        "\x1b[31mred",
        "<script>alert(1)</script>",
        "\u202eexe",
        "'; drop table",
        "a\nb",
    ]
    for number, key in enumerate(keys):
        yield Bad(f"json: hostile key {number}", "jsonl", line(**{key: 1}), WARN, "extra_column")
        header, rest = CSV.decode().split("\n", 1)
        rows = "\n".join(row + ",1" for row in rest.splitlines())
        quoted = '"' + key.replace('"', '""') + '"'
        yield Bad(f"csv: hostile name {number}", "csv", f"{header},{quoted}\n{rows}\n".encode(), WARN, "extra_column")
