"""What a manifest may say, and what is said of one that may not."""

import json
from pathlib import Path

import pytest

from tests.unit.data.samples import DATA, csv, parquet, trips
from trimtab.data.digests import WHOLE_BYTES, digest_of_file
from trimtab.data.local_drop import judge_drop, local_drop
from trimtab.data.manifest import MOST_BYTES, Found, Listed, compare_parts, read_manifest
from trimtab.data.report import Verdict
from trimtab.data.validate import Gate
from trimtab.data.violation import Severity
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
        {"key": file.name, "size": file.stat().st_size, "sha256": digest_of_file(file)}
        for file in tmp_path.glob("*.parquet")
    ]
    (tmp_path / "_MANIFEST.json").write_text(json.dumps({"files": files}))
    report = judge_drop(local_drop(tmp_path, MANY), gate)
    assert (report.verdict, report.rows) == (Verdict.ACCEPT, 20)


def test_the_row_that_a_message_names_is_the_row_of_its_file(tmp_path: Path) -> None:
    data = DataSpec.model_validate(DATA.model_dump() | {"drop": "success"})
    for name, stops in (("a", 5), ("b", 99)):
        (tmp_path / f"{name}.csv").write_bytes(csv(trips(10, stops=[5] * 6 + [stops] * 4)).getvalue())
    (tmp_path / "_SUCCESS").touch()
    found = {found.rule: found for found in judge_drop(local_drop(tmp_path, data), Gate.of(data)).violations}
    assert found["range"].message.endswith("row 7 of b.csv has '99'")
    assert found["unique"].message.endswith("the first is row 1 of b.csv")
    ragged = csv(trips(10, stops=[5] * 6 + [99] * 4)).getvalue().replace(b"\n2,", b"\n2,,,,,,,,,,,,", 1)
    (tmp_path / "a.csv").write_bytes(ragged)
    single = judge_drop(local_drop(tmp_path / "a.csv", data), Gate.of(data))
    found = {found.rule: found for found in single.violations}
    assert found["range"].rows[0] == 7
    assert found["range"].message.endswith("row 7 has '99'")


def test_a_manifest_of_this_machine_is_read_up_to_a_size(tmp_path: Path) -> None:
    with (tmp_path / "_MANIFEST.json").open("wb") as sparse:
        sparse.truncate(MOST_BYTES + 1)
    (found,) = local_drop(tmp_path, MANY).violations
    assert "at most 8,388,608 are read" in found.message


def test_a_file_over_sixteen_gigabytes_is_refused_unless_its_blocks_have_the_digest_that_is_listed() -> None:
    size = WHOLE_BYTES + 1
    listed = [Listed("a.parquet", size, "0" * 64)]
    (found,) = compare_parts(listed, {"a.parquet": Found(size, "1" * 64)})
    assert (found.rule, found.severity) == ("wrong_part", Severity.REFUSE)
    assert "that of its 1 GB blocks" in found.message
    assert list(compare_parts(listed, {"a.parquet": Found(size, "0" * 64)})) == []
