"""What a batch came to: counted, recorded once, and measured like captured requests."""

import json
from typing import Any

import pytest

from functions.finish_batch.handler import FinishBatchEvent, handler
from tests.unit.functions.scene import ENDPOINT, SPEC, Scene, tiny_spec
from trimtab.aws.captured_answers import CapturedTraffic
from trimtab.errors import DataError
from trimtab.monitoring.capture import decode_lines
from trimtab.rollout.judge.evidence import Fleet
from trimtab.scoring.finishing import Tally

PLAN = {
    "outcome": "Planned", "reason": "", "id": "b1", "version": 3, "job": "job", "model": "model", "objects": 2,
    "output_uri": "s3://captures/tiny/batch/b1",
}  # fmt: skip


def scored(rows: range) -> bytes:
    answers = ({"row": n, "x": n / 9, "kind": "a", "SageMakerOutput": {"id": n, "score": n / 9, "version": 3}}
               for n in rows)  # fmt: skip
    return b"".join(json.dumps(row).encode() + b"\n" for row in answers)


def scene_with(batch: str = "{}") -> Scene:
    scene = Scene(spec=tiny_spec(f"{SPEC}batch: {batch}\n"))
    scene.objects.write(f"{PLAN['output_uri']}/a.jsonl.out", scored(range(60)))
    scene.objects.write(f"{PLAN['output_uri']}/b.jsonl.out", scored(range(60, 75)))
    return scene


def finished(scene: Scene) -> dict[str, Any]:
    event = FinishBatchEvent.model_validate(scene.event("e", plan=PLAN, job_arn="arn:job"))
    return handler.call(event, scene.runtime)


def test_rows_are_counted_and_recorded_once() -> None:
    scene = scene_with()
    done = finished(scene)
    assert (done["files"], done["rows"], done["version"], done["job_arn"]) == (2, 75, 3, "arn:job")
    assert finished(scene) == done
    assert len(scene.ledger.entries("batch.scored")) == 1


def test_scored_rows_are_windowed_like_requests_and_are_no_traffic_of_a_rollout() -> None:
    scene = scene_with()
    place = finished(scene)["captured_uri"]
    assert place.startswith(f"s3://captures/tiny/capture/{ENDPOINT}/main/{scene.now:%Y/%m/%d/%H}/")
    events = list(decode_lines(scene.objects.read(place).splitlines(), scene.spec.data))
    rows = [(record["row"], answer["score"], answer["version"]) for event in events
            for record, answer in zip(event.records, event.answers, strict=True)]  # type: ignore[union-attr]  # fmt: skip
    assert sorted(rows) == [(n, n / 9, 3) for n in range(75)]
    seen = CapturedTraffic(scene.objects, "s3://captures/tiny/capture", scene.spec.data)
    assert list(seen.answers(Fleet(ENDPOINT, "config", "main"), scene.now.replace(hour=0))) == []


def test_a_batch_is_left_unmeasured_where_the_spec_says_so() -> None:
    scene = scene_with("{monitored_rows: 0}")
    assert (finished(scene)["rows"], finished(scene)["captured_uri"]) == (75, "")


def test_a_sample_is_even_and_the_same_again() -> None:
    drawn = []
    for _ in range(2):
        tally = Tally(100, "seed")
        for number in range(10_000):
            tally.add(b"%d" % number)
        drawn.append(tally.sample)
    assert drawn[0] == drawn[1]
    assert 4_000 < sum(map(int, drawn[0])) / 100 < 6_000


def test_rows_without_their_answers_are_refused() -> None:
    scene = scene_with()
    scene.objects.write(f"{PLAN['output_uri']}/c.jsonl.out", b'{"id": 1, "score": 0.5}\n')
    with pytest.raises(DataError, match="no record with SageMakerOutput"):
        finished(scene)
