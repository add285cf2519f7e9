"""What a manifest may say, and what is said of one that may not."""

import json
from pathlib import Path

import pytest

from tests.unit.data.samples import DATA, parquet, trips
from trimtab.data.local_drop import judge_drop, local_drop, sha256_of
from trimtab.data.manifest import read_manifest
from trimtab.data.report import Verdict
from trimtab.data.validate import Gate
from trimtab.errors import DataError
from trimtab.spec import DataSpec

MANY = DataSpec.model_validate(DATA.model_dump() | {"drop": "manifest"})
DIGEST = "0" * 64


def _body(*keys: str, size: object = 1, sha256: object = DIGEST) -> bytes:
    return json.dumps({"files": [{"key": key, "size": size, "sha256": sha256} for key in keys]}).encode()


def test_keys_may_be_given_whole_or_below_the_folder() -> None:
    listed = read_manifest(_body("flights/data/march/a.csv", "b/c.csv"), "flights/data/march/")
    assert [part.name for part in listed] == ["a.csv", "b/c.csv"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "cannot be read"),
        (b"[]", "no list of files"),
        (b'{"files": []}', "no list of files"),
        (b'{"files": [1]}', "file 1 lacks a key"),
        (b"[" * 100_000, "cannot be read"),
        (_body("a", size="1"), "lacks a key, a size or a sha256"),
        (_body("a", sha256="xyz"), "has not 64 hexadecimal digits"),
        (_body("a", "a"), "'a' is listed twice"),
        (_body("../other/a"), "is no object below the manifest's folder"),
        (_body("/a"), "is no object below"),
        (_body("_MANIFEST.json"), "is no object below"),
        (_body(""), "is no object below"),
        (_body(*map(str, range(10_001))), "lists 10,001 files"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused_with_an_example(body: bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_manifest(body)
    assert message in str(caught.value)
    assert "It looks like" in str(caught.value)
    assert caught.value.rule == "manifest"


def test_a_folder_of_this_machine_is_judged_as_the_drop_that_it_would_be(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.parquet").write_bytes(parquet(trips(20).slice(number * 10, 10)).getvalue())
    gate = Gate.of(MANY)
    assert judge_drop(local_drop(tmp_path, MANY), gate).violations[0].rule == "manifest"
    files = [
        {"key": file.name, "size": file.stat().st_size, "sha256": sha256_of(file)}
        for file in tmp_path.glob("*.parquet")
    ]
    (tmp_path / "_MANIFEST.json").write_text(json.dumps({"files": files}))
    report = judge_drop(local_drop(tmp_path, MANY), gate)
    assert (report.verdict, report.rows) == (Verdict.ACCEPT, 20)
