"""How text files are written is found out, reported, and fixed by the spec where it says so."""

import gzip
import io
from typing import Any

import pytest

from tests.unit.data.corpus import CONTRACT, CSV, decimal_commas, edited
from trimtab.data.encoding import Utf8
from trimtab.data.read import read_table
from trimtab.data.report import DropReport, Verdict
from trimtab.data.validate import validate
from trimtab.errors import DataError
from trimtab.spec import DataSpec

NOTED = edited("note", '"Größe €"').decode()


def judged(body: bytes, **written: str) -> DropReport:
    spec = DataSpec.model_validate(CONTRACT.model_dump() | {"csv": written})
    return validate(io.BytesIO(body), "csv", spec)


def reading(report: DropReport) -> dict[str, Any]:
    (facts,) = report.to_json()["reading"]
    return dict(facts)


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        (CSV, {"encoding": "utf-8", "compression": None, "delimiter": ",", "byte_order_mark": False}),
        (b"\xef\xbb\xbf" + CSV, {"encoding": "utf-8", "byte_order_mark": True}),
        (gzip.compress(CSV.replace(b",", b"\t")), {"compression": "gzip", "delimiter": "\t"}),
        (NOTED.encode("cp1252"), {"encoding": "windows-1252"}),
        (NOTED.encode("utf-16"), {"encoding": "utf-16-le", "byte_order_mark": True}),
        (decimal_commas(), {"delimiter": ";", "decimal": ","}),
        (CSV.replace(b'"', b"'"), {"quote": "'"}),
    ],
)
def test_what_was_found_out_is_in_the_report(body: bytes, facts: dict[str, Any]) -> None:
    assert facts.items() <= reading(judged(body)).items()


@pytest.mark.parametrize(
    ("body", "written"),
    [
        (decimal_commas(), {"delimiter": ";", "decimal": ","}),
        (CSV.replace(b'"', b"'"), {"quote": "'"}),
        (NOTED.encode("cp1252"), {"encoding": "windows-1252"}),
        (NOTED.encode("utf-16"), {"encoding": "utf-16"}),
        (CSV.decode().encode("utf-16-le"), {"encoding": "utf-16"}),
    ],
)
def test_what_the_spec_names_is_no_warning(body: bytes, written: dict[str, str]) -> None:
    assert judged(body).verdict is Verdict.ACCEPT_WARN
    assert judged(body, **written).verdict is Verdict.ACCEPT


@pytest.mark.parametrize(
    ("body", "written", "rule"),
    [
        (NOTED.encode("cp1252"), {"encoding": "utf-8"}, "readable"),
        (NOTED.encode("utf-16"), {"encoding": "utf-8"}, "encoding"),
        (CSV.replace(b",", b";"), {"delimiter": ","}, "missing_column"),
        (decimal_commas(), {"decimal": "."}, "type"),
    ],
)
def test_a_file_that_is_not_written_as_the_spec_says_is_refused(
    body: bytes, written: dict[str, str], rule: str
) -> None:
    report = judged(body, **written)
    assert report.verdict is Verdict.QUARANTINE
    assert rule in [found.rule for found in report.violations]


def test_the_same_values_come_out_of_every_form() -> None:
    expected = read_table(io.BytesIO(NOTED.encode()), "csv", CONTRACT)
    assert expected["note"][2].as_py() == "Größe €"
    for body in (NOTED.encode("utf-16"), NOTED.encode("cp1252"), NOTED.replace(",", ";").encode("utf-8-sig")):
        assert read_table(io.BytesIO(body), "csv", CONTRACT).equals(expected)


def test_a_point_where_commas_are_decimal_is_no_number() -> None:
    lines = decimal_commas().decode().splitlines()
    cells = lines[5].split(";")
    cells[2] = "1.234"
    report = judged("\n".join([*lines[:5], ";".join(cells), *lines[6:]]).encode(), delimiter=";", decimal=",")
    (found,) = [found for found in report.violations if found.rule == "type"]
    assert found.rows == (5,)


def found_in(body: bytes, size: int) -> tuple[str, str]:
    """The encoding of bytes that come in blocks of ``size``, and their text."""
    check = Utf8(body, None)
    blocks = [check.take(body[start : start + size]) for start in range(0, len(body), size)]
    text = b"".join([*blocks, check.take(b"")]).decode()
    return check.encoding, text


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("añb€c𝄞d" * 9, "utf-8", "utf-8"),
        ("Grüße aus Köln\n" * 9, "cp1252", "windows-1252"),
        ("crème brûlée\n" * 9, "cp1252", "windows-1252"),
        ("plain\n" * 9, "utf-16-be", "utf-16-be"),
    ],
)
def test_the_encoding_does_not_depend_on_how_the_bytes_are_cut(
    text: str, encoding: str, expected: str, size: int
) -> None:
    assert found_in(text.encode(encoding), size) == (expected, text)


@pytest.mark.parametrize("size", [1, 3, 5, 1_000])
def test_another_alphabet_is_no_western_text_however_it_is_cut(size: int) -> None:
    with pytest.raises(DataError, match="is not UTF-8"):
        found_in("line\nПривет\n".encode("cp1251"), size)


@pytest.mark.parametrize("cells", [["1,5", "2.5"], ["1", "2"], ["1,234", "5,678"]])
def test_a_decimal_comma_is_not_believed_without_proof(cells: list[str]) -> None:
    body = "trip;miles\n" + "".join(f"{row};{cell}\n" for row, cell in enumerate(cells))
    assert reading(judged(body.encode()))["decimal"] == "."


def test_the_first_wrong_byte_is_named() -> None:
    body = "é".encode() + b"abc\xff"
    for size in (1, 2, 9):
        with pytest.raises(DataError, match="byte 6 of the file is not UTF-8"):
            found_in(body, size)
