"""A content is worked on once, whatever S3 and people do."""

import hashlib

import pytest

from tests.fakes import NOON
from tests.unit.data.samples import parquet, trips
from tests.unit.functions.intake_samples import Intake
from trimtab.errors import DataError

KEY = "tiny/data/a.parquet"


@pytest.fixture
def intake() -> Intake:
    return Intake()


def test_a_first_drop_is_claimed_under_the_hash_of_its_content(intake: Intake) -> None:
    answer = intake.claim(intake.drop(KEY, b"abc"))
    digest = hashlib.sha256(b"abc").hexdigest()
    assert answer["outcome"] == "Claimed"
    assert (answer["drop"]["id"], answer["drop"]["sha256"]) == (digest[:16], digest)
    assert (answer["drop"]["kind"], answer["drop"]["size"]) == ("data", 3)
    assert intake.kinds == ["drop.claimed"]


def test_the_folder_tells_truth_from_data(intake: Intake) -> None:
    assert intake.claim(intake.drop("tiny/truth/a.csv", b"abc"))["drop"]["kind"] == "truth"
    with pytest.raises(DataError, match="drop files there"):
        intake.claim(intake.drop("tiny/other/a.csv", b"abc"))


def test_a_retry_of_the_same_execution_is_claimed_again_and_written_once(intake: Intake) -> None:
    event = intake.drop(KEY, b"abc")
    assert intake.claim(event) == intake.claim(event)
    assert intake.kinds == ["drop.claimed"]


def test_the_same_notice_twice_is_a_duplicate(intake: Intake) -> None:
    event = intake.drop(KEY, b"abc")
    intake.claim(event, "one")
    answer = intake.claim(event, "two")
    assert answer["outcome"] == "Duplicate"
    assert answer["first"]["execution"] == "one"


def test_the_same_content_under_another_key_is_a_duplicate_that_names_the_first(intake: Intake) -> None:
    intake.claim(intake.drop(KEY, b"abc"), "one")
    answer = intake.claim(intake.drop("tiny/data/copy.parquet", b"abc"), "two")
    assert answer["outcome"] == "Duplicate"
    assert answer["first"]["uri"] == f"s3://drops/{KEY}"
    assert "came before as tiny/data/a.parquet" in intake.ledger.rows[-1].data["summary"]


def test_the_same_content_as_data_and_as_truth_is_two_drops(intake: Intake) -> None:
    intake.claim(intake.drop(KEY, b"abc"), "one")
    assert intake.claim(intake.drop("tiny/truth/a.csv", b"abc"), "two")["outcome"] == "Claimed"


def test_an_older_version_that_is_told_of_late_is_superseded(intake: Intake) -> None:
    older, newer = intake.drop(KEY, b"old", "0055AED6DCD9"), intake.drop(KEY, b"new", "0055AED6DCD90281E5")
    assert intake.claim(newer, "one")["outcome"] == "Claimed"
    answer = intake.claim(older, "two")
    assert answer["outcome"] == "Superseded"
    assert answer["newer"]["version"] == newer["version"]
    assert intake.kinds == ["drop.claimed", "drop.superseded"]


def test_a_claim_that_stands_is_not_superseded_by_its_own_retry(intake: Intake) -> None:
    older, newer = intake.drop(KEY, b"old", "01"), intake.drop(KEY, b"new", "02")
    intake.claim(older, "one")
    intake.claim(newer, "two")
    assert intake.claim(older, "one")["outcome"] == "Claimed"


def test_sequencers_of_different_keys_are_never_compared(intake: Intake) -> None:
    intake.claim(intake.drop(KEY, b"abc", "FF"), "one")
    assert intake.claim(intake.drop("tiny/data/b.parquet", b"xyz", "01"), "two")["outcome"] == "Claimed"


def test_a_deleted_object_is_removed(intake: Intake) -> None:
    event = intake.drop(KEY, b"abc")
    intake.objects.delete(f"s3://drops/{KEY}")
    assert intake.claim(event)["outcome"] == "Removed"
    assert intake.claim(event)["outcome"] == "Removed"
    assert intake.kinds == ["drop.removed"]


def test_an_overwritten_object_is_read_by_its_version(intake: Intake) -> None:
    event = intake.drop(KEY, b"old")
    intake.objects.write(f"s3://drops/{KEY}", b"new")
    assert intake.claim(event)["drop"]["sha256"] == hashlib.sha256(b"old").hexdigest()


def test_content_that_was_overwritten_and_comes_back_is_worked_on_again(intake: Intake) -> None:
    for number, body in enumerate((b"first", b"second", b"first")):
        answer = intake.claim(intake.drop(KEY, body, f"0{number}"), f"execution {number}")
        assert answer["outcome"] == "Claimed"


def test_content_whose_execution_failed_may_be_claimed_again_by_one(intake: Intake) -> None:
    event = intake.drop(KEY, b"abc")
    intake.claim(event, "one")
    intake.ledger.append("machine.failed", "one", {"execution": "one"}, NOON, "record_failure")
    assert intake.claim(event, "two")["outcome"] == "Claimed"
    assert intake.claim(event, "three")["outcome"] == "Duplicate"
    assert intake.claim(event, "two")["outcome"] == "Claimed"


def test_a_refused_file_that_is_put_again_is_judged_again_but_a_second_notice_is_not(intake: Intake) -> None:
    bad = parquet(trips(5).drop_columns(["stops"])).getvalue()
    event = intake.drop(KEY, bad)
    claimed = intake.claim(event, "one")
    intake.quarantine(claimed["drop"], intake.validate(claimed["drop"]), "one")
    assert intake.claim(event, "two")["outcome"] == "Duplicate"
    assert intake.claim(intake.drop(KEY, bad, "02"), "three")["outcome"] == "Claimed"
