"""Which files a batch scores, with which version, and what is refused."""

import json
from typing import Any

import pytest

from functions.plan_batch.handler import PlanBatchEvent, plan
from tests.unit.functions.scene import Scene, serve_first_version
from trimtab.errors import LedgerConflict

BATCH = "s3://drops/tiny/batch"
ROLE = "arn:aws:iam::123456789012:role/batch"


@pytest.fixture
def serving(scene: Scene) -> Scene:
    """Version 1 serves."""
    serve_first_version(scene)
    return scene


def planned(scene: Scene, execution: str = "one", **asked: Any) -> dict[str, Any]:
    told = {"cause": "arrival", "source": "tiny/batch/incoming/july.jsonl", "role_arn": ROLE} | asked
    event = PlanBatchEvent.model_validate(scene.event(execution, **told))
    return plan(event, scene.runtime, scene.endpoints)


def put(scene: Scene, key: str, body: bytes = b'{"row": 1}\n') -> None:
    scene.objects.write(f"{BATCH}/{key}", body)


def manifest(scene: Scene, made: dict[str, Any]) -> list[Any]:
    found: list[Any] = json.loads(scene.objects.read(made["manifest_uri"]))
    return found


def test_a_file_that_came_is_scored_by_the_version_that_serves_isolated_and_under_the_jobs_role(serving: Scene) -> None:
    put(serving, "incoming/july.jsonl")
    made = planned(serving)
    assert (made["outcome"], made["version"], made["objects"]) == ("Planned", 1, 1)
    assert manifest(serving, made) == [{"prefix": f"{BATCH}/"}, "incoming/july.jsonl"]
    model = serving.endpoints.models[made["model"]]
    assert (model["role_arn"], model["isolated"]) == (ROLE, True)
    assert model["artifact_uri"] == serving.ledger.state("champion")["artifact_uri"]  # type: ignore[index]
    assert model["environment"]["TRIMTAB_VERSION"] == "1"
    assert made["output_uri"] == f"s3://captures/tiny/batch/{made['id']}"
    entry = serving.ledger.entries("batch.planned")[0]
    assert entry.data["inputs"][0]["version"], "the object's version is evidence of what was scored"


def test_a_retry_gives_the_first_plan_and_an_event_that_comes_twice_nothing(serving: Scene) -> None:
    put(serving, "incoming/july.jsonl")
    made = planned(serving)
    put(serving, "incoming/july.jsonl", b"changed")
    assert planned(serving) == made
    again = planned(serving, "two")
    assert (again["outcome"], again["objects"]) == ("Planned", 1), "another content is another batch"
    assert planned(serving, "three")["outcome"] == "Nothing"
    assert len(serving.ledger.entries("batch.planned")) == 2


def test_the_schedule_scores_what_is_new_since_the_last_time(serving: Scene) -> None:
    put(serving, "incoming/a.jsonl")
    put(serving, "incoming/b.jsonl")
    put(serving, "asked/x/c.jsonl")
    first = planned(serving, "monday", cause="schedule", source="")
    assert manifest(serving, first)[1:] == ["incoming/a.jsonl", "incoming/b.jsonl"]
    assert planned(serving, "tuesday", cause="schedule", source="")["outcome"] == "Nothing"
    put(serving, "incoming/d.jsonl")
    put(serving, "incoming/readme.txt")
    last = planned(serving, "wednesday", cause="schedule", source="")
    assert manifest(serving, last)[1:] == ["incoming/d.jsonl"]
    assert serving.ledger.entries("batch.planned")[-1].data["left_out"] == [f"{BATCH}/incoming/readme.txt"]


def test_a_person_names_a_folder_and_a_version_that_has_served(serving: Scene) -> None:
    put(serving, "asked/x/a.jsonl")
    made = planned(serving, cause="person", source=f"{BATCH}/asked/x/", version=1, by="ann")
    assert (made["outcome"], made["by"]) == ("Planned", "ann")
    again = planned(serving, "two", cause="person", source=f"{BATCH}/asked/x/", version=1, by="ann")
    assert again["outcome"] == "Planned", "a person may have the same scored twice"


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"cause": "person", "source": "s3://drops/tiny/data/x.jsonl"}, "does not lie below s3://drops/tiny/batch/"),
        ({"cause": "person", "source": f"{BATCH}/asked/nothing/"}, "lies nothing"),
        ({"cause": "person", "source": f"{BATCH}/asked/y/"}, "only 1 of another kind"),
        ({"cause": "person", "source": f"{BATCH}/asked/x/", "version": 7}, "version 7 has never served"),
    ],
)
def test_what_cannot_be_scored_is_refused_recorded_and_told(serving: Scene, asked: dict[str, Any], reason: str) -> None:
    put(serving, "asked/x/a.jsonl")
    put(serving, "asked/y/a.csv")
    made = planned(serving, **asked)
    assert made["outcome"] == "Refused"
    assert reason in made["reason"]
    assert reason in serving.ledger.entries("batch.planned")[-1].data["summary"]
    assert reason in serving.notifier.sent[-1]["why"]


def test_before_the_first_version_nothing_is_scored(scene: Scene) -> None:
    put(scene, "incoming/july.jsonl")
    assert "no version serves yet" in planned(scene)["reason"]


def test_two_plans_are_made_one_after_the_other(serving: Scene) -> None:
    put(serving, "incoming/july.jsonl")
    serving.ledger.lease("batch", "another", serving.now, 300)
    with pytest.raises(LedgerConflict, match="another batch is being planned"):
        planned(serving)
