"""A large drop is hashed in shares before it is claimed, and is the same drop as if it had been read at once."""

import hashlib
import json
from typing import Any, BinaryIO

import pytest

from functions.hash_share.handler import HashShareEvent
from functions.hash_share.handler import handler as hash_share
from tests.fakes import NOON
from tests.unit.functions.intake_samples import SPEC, Intake
from trimtab.spec import Spec

KEY, FOLDER = "tiny/data/a.parquet", "tiny/data/march"
BODY = b"something that is long enough to be large"
FILES = {"a.csv": b"the first file", "b.csv": b"the second", "c.csv": b"and a third one"}


def intake(above: int, how: str = "object") -> Intake:
    """Drops of more than ``above`` bytes are large, and a share has 16."""
    fan_out = {"above_megabytes": above / 2**20, "share_megabytes": 16 / 2**20}
    data = SPEC.data.model_dump() | {"drop": how, "fan_out": fan_out}
    return Intake(Spec.model_validate(SPEC.model_dump() | {"data": data}))


def claimed(given: Intake, event: dict[str, Any], execution: str = "one") -> dict[str, Any]:
    """What the machine ends the claim with, hashing included."""
    answer = given.claim(event, execution)
    for share in answer["shares"] if answer["outcome"] == "Unhashed" else ():
        hash_one(given, share, execution)
    return given.claim(event | {"hashed": True}, execution) if answer["outcome"] == "Unhashed" else answer


def hash_one(given: Intake, share: int, execution: str = "one") -> dict[str, Any]:
    step = {"model": "tiny", "at": NOON.isoformat(), "execution": execution, "share": share}
    return hash_share.call(HashShareEvent.model_validate(step), given.runtime)


def manifest(files: dict[str, bytes]) -> bytes:
    entries = [
        {"key": name, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()} for name, body in files.items()
    ]
    return json.dumps({"files": entries}).encode()


def put(given: Intake, how: str, folder: str = FOLDER) -> dict[str, Any]:
    for name, body in FILES.items():
        given.objects.write(f"s3://drops/{folder}/{name}", body)
    closing = {"manifest": ("_MANIFEST.json", manifest(FILES)), "success": ("_SUCCESS", b"")}[how]
    return given.drop(f"{folder}/{closing[0]}", closing[1])


def identity(answer: dict[str, Any]) -> tuple[str, str, int]:
    assert answer["outcome"] == "Claimed", answer
    return answer["drop"]["id"], answer["drop"]["sha256"], answer["drop"]["size"]


def test_a_large_object_is_the_same_drop_as_a_small_one() -> None:
    large, small = intake(8), intake(1_000)
    event = large.drop(KEY, BODY)
    assert large.claim(event) == {"outcome": "Unhashed", "shares": [0]}
    assert large.kinds == []
    assert hash_one(large, 0) == {"outcome": "Hashed", "bytes": len(BODY)}
    whole = hashlib.sha256(BODY).hexdigest()
    assert identity(large.claim(event | {"hashed": True})) == (whole[:16], whole, len(BODY))
    assert identity(claimed(small, small.drop(KEY, BODY)))[:2] == (whole[:16], whole)


@pytest.mark.parametrize("how", ["manifest", "success"])
def test_a_large_folder_is_the_same_drop_as_a_small_one(how: str) -> None:
    large, small = intake(8, how), intake(1_000, how)
    event = put(large, how)
    assert large.claim(event)["shares"] == [0, 1, 2]
    assert identity(claimed(large, event)) == identity(claimed(small, put(small, how)))


def test_the_same_large_content_is_a_duplicate_under_another_key() -> None:
    given = intake(8)
    claimed(given, given.drop(KEY, BODY))
    answer = claimed(given, given.drop("tiny/data/copy.parquet", BODY), "two")
    assert (answer["outcome"], answer["first"]["execution"]) == ("Duplicate", "one")


def test_content_that_s3_has_hashed_itself_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    given = intake(8)
    event = given.drop(KEY, BODY)
    given.objects.hashed_by_the_store.add(f"s3://drops/{KEY}")

    def nobody(uri: str, version: str | None = None) -> BinaryIO:
        raise AssertionError(f"{uri} was read")

    monkeypatch.setattr(given.objects, "open", nobody)
    assert identity(given.claim(event))[1] == hashlib.sha256(BODY).hexdigest()


def test_what_is_put_after_the_claim_began_is_another_drop() -> None:
    given = intake(8)
    event = given.drop(KEY, BODY)
    given.claim(event)
    given.objects.write(f"s3://drops/{KEY}", b"other bytes, as many as there were before")
    hash_one(given, 0)
    assert identity(given.claim(event | {"hashed": True}))[1] == hashlib.sha256(BODY).hexdigest()


def test_an_object_that_is_gone_when_its_share_comes_makes_the_drop_a_removed_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = intake(8, "success")
    event = put(given, "success")
    shares = given.claim(event)["shares"]

    def gone(uri: str, version: str | None = None) -> BinaryIO:
        raise FileNotFoundError(uri)

    monkeypatch.setattr(given.objects, "open", gone)
    for share in shares:
        hash_one(given, share)
    assert given.claim(event | {"hashed": True})["outcome"] == "Removed"


def test_a_manifest_is_held_against_what_the_shares_found() -> None:
    given = intake(8, "manifest")
    event = put(given, "manifest")
    given.objects.write(f"s3://drops/{FOLDER}/b.csv", b"the sEcond")
    answer = claimed(given, event)
    parts = json.loads(given.objects.read(answer["drop"]["parts"]))
    assert [found["rule"] for found in parts["findings"]] == ["wrong_part"]


def test_objects_that_the_manifest_does_not_list_are_not_hashed() -> None:
    given = intake(8, "manifest")
    given.objects.write(f"s3://drops/{FOLDER}/extra.csv", b"x" * 1_000)
    event = put(given, "manifest")
    assert given.claim(event)["shares"] == [0, 1, 2]
    parts = json.loads(given.objects.read(claimed(given, event)["drop"]["parts"]))
    assert [found["rule"] for found in parts["findings"]] == ["extra_part"]


def test_what_is_written_down_on_the_way_expires() -> None:
    given = intake(8)
    claimed(given, given.drop(KEY, BODY))
    hashing = [info.uri for info in given.objects.list("s3://artifacts/") if "hashing" in info.uri]
    assert hashing
    assert all(uri.startswith("s3://artifacts/_temporary/tiny/") for uri in hashing)
