"""The job's verdict becomes the drop's, unless the table was changed meanwhile."""

import json
from pathlib import Path

import pytest

from tests.unit.data.samples import parquet, trips
from tests.unit.functions.lake_samples import DAY, FILES, Lake
from trimtab.datasets.parts import parts_of
from trimtab.datasets.sources import Source
from trimtab.errors import DataError


def test_an_accepted_table_is_in_the_ledger_with_what_a_dataset_needs_to_read_it(tmp_path: Path) -> None:
    lake = Lake()
    lake.put()
    drop, validation = lake.judged(tmp_path)
    assert (validation["verdict"], validation["rows"]) == ("accept", 400)
    assert lake.objects.read(validation["profile"])
    assert b"<html" in lake.objects.read(validation["report"].replace(".json", ".html"))
    assert lake.accept(drop, validation)["outcome"] == "Accepted"
    parts = parts_of(Source.of_entry(lake.ledger.rows[-1]), lake.objects)
    assert [lake.objects.read(part.uri, part.version) for part in parts] == list(FILES.values())


def test_a_refused_table_stays_where_it_is_and_only_the_pointer_is_kept(tmp_path: Path) -> None:
    lake = Lake()
    lake.put({"a.parquet": parquet(trips(stops=[99] * 400)).getvalue()})
    drop, validation = lake.judged(tmp_path)
    assert validation["findings"][0]["rule"] == "range"
    lake.quarantine(drop, validation)
    kept = [info.uri for info in lake.objects.list(f"s3://drops/tiny/quarantine/{drop['id']}/")]
    assert [uri.rsplit("/", 1)[-1] for uri in kept] == ["_LAKE.json", "reason.json"]
    assert "trimtab drops replay" in lake.notifier.sent[0]["next_step"]


def test_a_replay_points_to_the_table_again(tmp_path: Path) -> None:
    lake = Lake()
    lake.put({"a.parquet": parquet(trips(stops=[99] * 400)).getvalue()})
    drop, validation = lake.judged(tmp_path)
    kept = lake.quarantine(drop, validation)["copy_uri"]
    key, version = kept.removeprefix("s3://drops/"), lake.objects.head(kept).version
    event = {"model": "tiny", "at": drop["at"], "bucket": "drops", "key": key, "version": version, "size": 1}
    again = lake.claim(event, "replay")
    assert (again["outcome"], again["drop"]["id"], again["drop"]["lake"]) == ("Claimed", drop["id"], DAY)


@pytest.mark.parametrize("change", ["replaced", "removed"])
def test_a_table_that_was_changed_while_it_was_judged_is_refused(tmp_path: Path, change: str) -> None:
    lake = Lake()
    lake.put()
    drop = lake.point()["drop"]
    lake.work(lake.plan(drop), tmp_path)
    if change == "replaced":
        lake.put({"part-1.parquet": FILES["part-1.parquet"]})
    else:
        lake.objects.delete(f"{DAY}part-1.parquet")
    validation = lake.read(drop)
    assert (validation["verdict"], validation["findings"][0]["rule"]) == ("quarantine", "lake")
    assert "'part-1.parquet' was changed while the table was judged" in validation["findings"][0]["message"]


def test_a_job_without_a_report_is_an_error_and_no_verdict() -> None:
    lake = Lake()
    lake.put()
    drop = lake.point()["drop"]
    lake.plan(drop)
    with pytest.raises(DataError, match="left no report"):
        lake.read(drop)


def test_a_table_that_could_not_be_read_is_refused_without_a_profile(tmp_path: Path) -> None:
    lake = Lake()
    lake.put({"a.parquet": FILES["part-0.parquet"][:500]})
    _, validation = lake.judged(tmp_path)
    assert (validation["verdict"], validation["profile"]) == ("quarantine", None)
    report = json.loads(lake.objects.read(validation["report"]))
    assert "a.parquet" in report["findings"][0]["message"]
