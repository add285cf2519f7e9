"""A refused drop is set aside with its reason, people are told, and nothing is lost."""

import json
from typing import Any

import pytest

from tests.fakes import NOON
from tests.unit.data.samples import parquet, trips
from tests.unit.functions.intake_samples import SPEC, Intake
from trimtab.spec import Spec
from trimtab.telemetry import Metric

KEY = "tiny/data/a.parquet"
BAD = parquet(trips(5).drop_columns(["stops"])).getvalue()


def test_copy_and_reason_lie_together_and_the_original_stays() -> None:
    intake = Intake()
    answer = intake.through(KEY, BAD)
    assert answer["outcome"] == "Quarantined"
    assert intake.objects.read(answer["copy_uri"]) == BAD
    assert intake.objects.read(f"s3://drops/{KEY}") == BAD
    reason = json.loads(intake.objects.read(answer["reason_uri"]))
    assert reason["validation"]["findings"][0]["rule"] == "missing_column"
    assert answer["copy_uri"].startswith("s3://drops/tiny/quarantine/")
    assert intake.kinds == ["drop.claimed", "drop.quarantined"]
    assert intake.ledger.rows[-1].data["reason"] == "the column 'stops' is missing"


def test_people_are_told_what_why_and_what_next() -> None:
    intake = Intake()
    intake.through(KEY, BAD)
    (notice,) = intake.notifier.sent
    assert intake.notifier.quoting == [True], "findings may quote data"
    assert notice["subject"] == "tiny: file refused: a.parquet"
    assert "the column 'stops' is missing" in notice["why"]
    assert notice["link"].endswith("/report.html")
    assert intake.objects.head(notice["link"])


def test_a_retry_tells_counts_and_writes_nothing_twice() -> None:
    intake = Intake()
    drop = intake.claim(intake.drop(KEY, BAD))["drop"]
    validation = intake.validate(drop)
    assert intake.quarantine(drop, validation) == intake.quarantine(drop, validation)
    assert len(intake.notifier.sent) == 1
    assert intake.metrics.points == [(Metric.DROPS_QUARANTINED, 1, {})]
    assert intake.kinds == ["drop.claimed", "drop.quarantined"]


def test_the_version_that_was_judged_is_the_one_that_is_copied() -> None:
    intake = Intake()
    drop = intake.claim(intake.drop(KEY, BAD))["drop"]
    validation = intake.validate(drop)
    intake.objects.write(f"s3://drops/{KEY}", b"newer")
    assert intake.objects.read(intake.quarantine(drop, validation)["copy_uri"]) == BAD


def test_a_version_that_is_gone_is_quarantined_without_a_copy() -> None:
    intake = Intake()
    drop = intake.claim(intake.drop(KEY, BAD))["drop"]
    validation = intake.validate(drop)
    answer = intake.quarantine(drop | {"version": "gone"}, validation)
    assert answer["copy_uri"] is None
    assert json.loads(intake.objects.read(answer["reason_uri"]))["copy"] is None


def test_a_very_long_file_name_still_fits_a_subject() -> None:
    intake = Intake()
    intake.through("tiny/data/" + "x" * 300 + ".parquet", BAD)
    assert len(intake.notifier.sent[0]["subject"]) == 99


HOSTILE = (
    "tiny/data/Größe\r\nBcc: x.parquet",
    "tiny/data/../../etc/passwd",
    "tiny/data/=cmd|'",
    "tiny/data/\u202e.csv",
)


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_is_quarantined_like_any_other_and_its_notice_can_be_sent(key: str) -> None:
    intake = Intake()
    answer = intake.through(key, BAD)
    assert answer["outcome"] == "Quarantined"
    assert intake.objects.read(answer["copy_uri"]) == BAD
    assert answer["copy_uri"].startswith("s3://drops/tiny/quarantine/")
    assert intake.notifier.sent[0]["subject"].isprintable()
    assert intake.notifier.sent[0]["subject"].isascii()


def _wider() -> Spec:
    whole = SPEC.model_dump()
    whole["data"]["columns"]["stops"]["role"] = "ignore"
    return Spec.model_validate(whole)


def _replayed(intake: Intake, refused: dict[str, Any], execution: str) -> dict[str, Any]:
    """What becomes of the quarantined copy under the contract of today."""
    key = str(refused["copy_uri"]).removeprefix("s3://drops/")
    head = intake.objects.head(refused["copy_uri"])
    assert head is not None
    event = {"bucket": "drops", "key": key, "version": head.version, "size": head.size}
    return intake.on(event | {"model": "tiny", "at": NOON.isoformat()}, execution)


def test_a_replay_under_a_wider_contract_is_accepted_and_the_ledger_links_it_to_the_refusal() -> None:
    intake = Intake()
    refused = intake.through(KEY, BAD)
    later = Intake(_wider(), intake.objects, intake.ledger, intake.notifier, intake.metrics)
    assert _replayed(later, refused, "replay")["outcome"] == "Accepted"
    assert intake.kinds == ["drop.claimed", "drop.quarantined", "drop.claimed", "drop.accepted"]
    accepted = intake.ledger.rows[-1].data
    assert (accepted["replays"], accepted["uri"]) == ("one", refused["copy_uri"])
    assert accepted["id"] == intake.ledger.rows[0].data["id"]


def test_a_replay_that_is_refused_again_may_be_replayed_and_its_copy_stays_where_it_is() -> None:
    intake = Intake()
    refused = intake.through(KEY, BAD)
    for execution in ("second", "third"):
        again = _replayed(intake, refused, execution)
        assert (again["outcome"], again["copy_uri"]) == ("Quarantined", refused["copy_uri"])
    later = Intake(_wider(), intake.objects, intake.ledger, intake.notifier, intake.metrics)
    assert _replayed(later, refused, "fourth")["outcome"] == "Accepted"
    assert _replayed(later, refused, "fifth")["outcome"] == "Duplicate"


def test_truth_is_replayed_as_truth() -> None:
    intake = Intake()
    refused = intake.through("tiny/truth/a.csv", b"trip,late\n1,7\n")
    assert _replayed(intake, refused, "second")["outcome"] == "Quarantined"
    assert intake.ledger.rows[-1].data["kind"] == "truth"
