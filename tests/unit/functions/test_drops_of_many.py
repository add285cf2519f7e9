"""A drop of many objects is one drop: claimed when it is closed, judged as a whole, read by version."""

import hashlib
import json
from typing import Any

import pytest

from tests.unit.data.samples import parquet, trips
from tests.unit.functions.intake_samples import SPEC, Intake
from trimtab.datasets.parts import Parts, parts_of
from trimtab.datasets.sources import Source
from trimtab.spec import Spec

FOLDER = "tiny/data/march"
FILES = {f"part-{number}.parquet": parquet(trips(40).slice(number * 20, 20)).getvalue() for number in range(2)}


def _intake(how: str) -> Intake:
    return Intake(Spec.model_validate(SPEC.model_dump() | {"data": SPEC.data.model_dump() | {"drop": how}}))


def _manifest(files: dict[str, bytes], **changes: Any) -> bytes:
    entries = [
        {"key": name, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()} for name, body in files.items()
    ]
    entries[0] |= changes
    return json.dumps({"files": entries}).encode()


def _put(intake: Intake, files: dict[str, bytes], folder: str = FOLDER) -> None:
    for name, body in files.items():
        intake.objects.write(f"s3://drops/{folder}/{name}", body)


def _rules(intake: Intake) -> list[str]:
    return [found["rule"] for found in intake.ledger.rows[-1].data["findings"]]


@pytest.mark.parametrize(
    ("how", "closing", "body"), [("manifest", "_MANIFEST.json", _manifest(FILES)), ("success", "_SUCCESS", b"")]
)
def test_a_closed_folder_is_one_drop(how: str, closing: str, body: bytes) -> None:
    intake = _intake(how)
    _put(intake, FILES)
    answer = intake.through(f"{FOLDER}/{closing}", body)
    assert answer["outcome"] == "Accepted", _rules(intake)
    accepted = intake.ledger.rows[-1].data
    assert (accepted["rows"], accepted["summary"]) == (40, "march: accepted, 40 rows")
    parts = parts_of(Source.of_entry(intake.ledger.rows[-1]), intake.objects)
    assert [part.name for part in parts] == sorted(FILES)
    assert [intake.objects.read(part.uri, part.version) for part in parts] == list(FILES.values())


def test_what_is_written_after_the_claim_is_not_read() -> None:
    intake = _intake("success")
    _put(intake, FILES)
    drop = intake.claim(intake.drop(f"{FOLDER}/_SUCCESS", b""))["drop"]
    _put(intake, {"part-0.parquet": b"something else", "part-2.parquet": b"late"})
    assert intake.validate(drop)["rows"] == 40


def test_the_same_files_in_another_folder_are_a_duplicate() -> None:
    intake = _intake("success")
    _put(intake, FILES)
    intake.through(f"{FOLDER}/_SUCCESS", b"", "one")
    _put(intake, FILES, "tiny/data/again")
    assert intake.through("tiny/data/again/_SUCCESS", b"", "two")["outcome"] == "Duplicate"


WRONG = {
    "missing_part": (_manifest(FILES | {"part-9.parquet": b"x"}), FILES),
    "wrong_part": (_manifest(FILES, size=1), FILES),
    "manifest": (b"{}", FILES),
    "readable": (_manifest(FILES | {"part-1.parquet": b"junk"}), FILES | {"part-1.parquet": b"junk"}),
}


@pytest.mark.parametrize("rule", WRONG)
def test_a_drop_that_is_not_what_its_manifest_says_is_quarantined(rule: str) -> None:
    manifest, files = WRONG[rule]
    intake = _intake("manifest")
    _put(intake, files)
    assert intake.through(f"{FOLDER}/_MANIFEST.json", manifest)["outcome"] == "Quarantined"
    assert rule in _rules(intake)


def test_a_file_of_another_content_than_listed_is_told_by_its_digest() -> None:
    intake = _intake("manifest")
    _put(intake, FILES)
    intake.through(f"{FOLDER}/_MANIFEST.json", _manifest(FILES, sha256="0" * 64))
    assert "its SHA-256 differs" in intake.ledger.rows[-1].data["reason"]


def test_objects_that_are_not_listed_warn_and_are_not_read() -> None:
    intake = _intake("manifest")
    _put(intake, FILES | {"notes.txt": b"hello", ".hidden": b"", "_log/x": b""})
    answer = intake.through(f"{FOLDER}/_MANIFEST.json", _manifest(FILES))
    assert (answer["outcome"], _rules(intake)) == ("Accepted", ["extra_part"])


def test_a_marker_without_a_folder_of_its_own_or_without_files_is_quarantined() -> None:
    intake = _intake("success")
    _put(intake, FILES, "tiny/data")
    assert intake.through("tiny/data/_SUCCESS", b"", "one")["outcome"] == "Quarantined"
    assert _rules(intake) == ["manifest"]
    assert intake.through("tiny/data/empty/_SUCCESS", b"", "two")["outcome"] == "Quarantined"
    assert _rules(intake) == ["missing_part"]


def test_a_quarantined_drop_of_many_is_copied_whole_and_can_be_replayed() -> None:
    intake = _intake("success")
    _put(intake, {name: parquet(trips(5).drop_columns(["stops"])).getvalue() for name in ("a.parquet", "b.parquet")})
    refused = intake.through(f"{FOLDER}/_SUCCESS", b"", "one")
    folder = str(refused["copy_uri"]).rsplit("/", 1)[0]
    assert {item.uri.removeprefix(folder) for item in intake.objects.list(f"{folder}/parts/")} == {
        "/parts/a.parquet",
        "/parts/b.parquet",
    }
    key, head = str(refused["copy_uri"]).removeprefix("s3://drops/"), intake.objects.head(refused["copy_uri"])
    assert head is not None
    event = {"model": "tiny", "at": "2026-01-01T12:00:00Z", "bucket": "drops", "key": key}
    again = intake.on(event | {"version": head.version, "size": head.size}, "two")
    assert again["outcome"] == "Quarantined"
    assert intake.ledger.rows[-1].data["replays"] == "one"


def test_an_object_that_is_gone_before_it_is_read_is_a_finding() -> None:
    intake = _intake("success")
    _put(intake, FILES)
    drop = intake.claim(intake.drop(f"{FOLDER}/_SUCCESS", b""))["drop"]
    listed = Parts.loads(intake.objects.read(drop["parts"]))
    gone = json.loads(listed.dumps())
    gone["parts"][0]["version"] = "gone"
    intake.objects.write(drop["parts"], json.dumps(gone).encode())
    assert intake.validate(drop)["findings"][0]["rule"] == "missing_part"


def test_truth_is_always_one_object() -> None:
    intake = _intake("manifest")
    assert intake.claim(intake.drop("tiny/truth/a.csv", b"trip,late\n1,0\n"))["drop"]["parts"] == ""
