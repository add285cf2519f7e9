"""A refused drop is set aside with its reason, people are told, and nothing is lost."""

import json

from tests.unit.data.samples import parquet, trips
from tests.unit.functions.intake_samples import Intake
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
    assert len(intake.notifier.sent[0]["subject"]) == 100
