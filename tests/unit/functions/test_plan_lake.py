"""A pointer fixes a table by version and reads nothing of it; the job is told exactly what was claimed."""

import json
from typing import Any

import pytest

from tests.unit.functions.lake_samples import DAY, FILES, LAKE, POINTER, Lake, spec


def told(lake: Lake, answer: dict[str, Any]) -> list[str]:
    """What is wrong with a pointer, as the drop's list of objects has it."""
    parts = json.loads(lake.objects.read(answer["drop"]["parts"]))
    assert (answer["drop"]["lake"], parts["parts"]) == ("", [])
    return [found["message"] for found in parts["findings"]]


def test_a_pointer_is_claimed_as_the_versions_of_the_tables_objects() -> None:
    lake = Lake()
    lake.put()
    answer = lake.point()
    drop = answer["drop"]
    assert (answer["outcome"], drop["lake"], drop["size"]) == ("Claimed", DAY, sum(map(len, FILES.values())))
    parts = json.loads(lake.objects.read(drop["parts"]))["parts"]
    assert [(part["name"], part["uri"], part["sha256"]) for part in parts] == [(n, DAY + n, "") for n in FILES]
    assert all(part["version"] for part in parts)


def test_the_same_table_is_judged_once_and_a_changed_one_again() -> None:
    lake = Lake()
    lake.put()
    lake.point("one")
    assert lake.point("two", key="tiny/data/again/_LAKE.json")["outcome"] == "Duplicate"
    lake.put({"part-2.parquet": FILES["part-1.parquet"]})
    assert lake.point("three", key="tiny/data/more/_LAKE.json")["outcome"] == "Claimed"


def test_the_job_is_told_objects_occasion_and_where_everything_goes() -> None:
    lake = Lake()
    lake.put()
    drop = lake.point(files=[{"key": name, "size": len(body), "sha256": "a" * 64} for name, body in FILES.items()])
    planned = lake.plan(drop["drop"])
    assert planned["job"].startswith("trimtab-test-tiny-lake-")
    assert len(planned["job"]) <= 63
    task = lake.task(planned)
    assert [(part["name"], part["size"]) for part in task["parts"]] == [(n, len(b)) for n, b in FILES.items()]
    assert {part["sha256"] for part in task["parts"]} == {"a" * 64}
    assert task["at"].startswith("2026-01-01T12:00")
    assert json.loads(lake.objects.read(planned["files"])) == [{"prefix": DAY}, *FILES]
    assert lake.kinds == ["drop.claimed", "drop.planned"]
    assert lake.plan(drop["drop"]) == planned
    assert lake.kinds == ["drop.claimed", "drop.planned"], "a retry writes nothing twice"


def test_another_execution_has_another_job() -> None:
    names = Lake().runtime.names
    assert names.lake_job("0" * 16, "one") != names.lake_job("0" * 16, "two")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"location": "s3://lake/other/"}, "is not below s3://lake/trips/"),
        ({"location": f"{LAKE}../other/"}, "is not below s3://lake/trips/"),
        ({"location": "s3://lake/trips"}, "its location is no folder"),
        ({"location": 7}, "its location is no folder"),
        ({"location": f"{LAKE}day=9/"}, "the drop has no objects"),
        ({"files": [{"key": "part-0.parquet"}]}, "file 1 lacks a key, a size or a sha256"),
        ({"files": [{"key": "gone.parquet", "size": 3, "sha256": "a" * 64}]}, "is in the manifest and not there"),
        ({"files": [{"key": "part-0.parquet", "size": 3, "sha256": "a" * 64}]}, "and the manifest says 3"),
    ],
)
def test_a_pointer_to_no_table_is_refused_and_starts_no_job(document: dict[str, Any], message: str) -> None:
    lake = Lake()
    lake.put()
    answer = lake.point(**document)
    assert any(message in found for found in told(lake, answer)), told(lake, answer)
    validation = lake.validate(answer["drop"])
    assert validation["verdict"] == "quarantine"
    assert lake.quarantine(answer["drop"], validation)["outcome"] == "Quarantined"


def test_a_pointer_that_is_no_json_says_what_one_looks_like() -> None:
    lake = Lake()
    (message,) = told(lake, lake.claim(lake.drop(POINTER, b"{")))
    assert 'It looks like {"location"' in message


def test_objects_that_are_no_parquet_or_have_no_version_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake()
    lake.put({"a.csv": b"x"})
    assert "is no Parquet file" in told(lake, lake.point())[0]
    loose = Lake()
    loose.objects._versions[f"{DAY}a.parquet"] = [("null", FILES["part-0.parquet"])]
    assert "switch versioning on" in told(loose, loose.point())[0]


def test_objects_that_are_not_listed_warn_and_are_not_given_to_the_job() -> None:
    lake = Lake()
    lake.put()
    body = FILES["part-0.parquet"]
    drop = lake.point(files=[{"key": "part-0.parquet", "size": len(body), "sha256": "a" * 64}])["drop"]
    planned = lake.plan(drop)
    assert json.loads(lake.objects.read(planned["files"])) == [{"prefix": DAY}, "part-0.parquet"]
    assert [found["rule"] for found in lake.task(planned)["findings"]] == ["extra_part"]


def test_without_a_lake_in_the_spec_a_pointer_is_a_file_like_any_other() -> None:
    lake = Lake(spec(lake=None))
    lake.put()
    answer = lake.point()
    assert (answer["drop"]["lake"], answer["drop"]["parts"]) == ("", "")
    assert lake.validate(answer["drop"])["verdict"] == "quarantine"
