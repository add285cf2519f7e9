"""Staging is asked what production will be asked."""

import json

import pytest

from tests.unit.functions.scene import PromotionRun, Scene, answer_with_x, approved, kinds
from trimtab.errors import LeaseLost
from trimtab.ports import Answer


def test_a_version_that_fails_in_staging_is_refused_and_rejected(scene: Scene) -> None:
    arn = approved(scene)
    run = PromotionRun(scene, "second")
    run.check(arn)
    run.raise_until_ready()
    scene.endpoints.answer = lambda endpoint, body: Answer(500, b"broken", 1.0)
    tested = run.test()
    assert tested["passed"] is False
    assert b'"name": "golden"' in scene.objects.read(tested["report_uri"])
    run.close("Refused", tested["reason"])
    assert scene.registry.describe(arn).status == "Rejected"
    assert scene.endpoints.endpoints == {}


@pytest.fixture
def staged(scene: Scene) -> PromotionRun:
    run = PromotionRun(scene, "second")
    run.check(approved(scene))
    run.raise_until_ready()
    return run


def test_a_version_that_answers_as_evaluated_passes_and_the_report_holds_every_check(
    scene: Scene, staged: PromotionRun
) -> None:
    scene.endpoints.answer = answer_with_x(1)
    tested = staged.test()
    assert (tested["passed"], tested["reason"]) == (True, "")
    assert {check["name"] for check in tested["checks"]} == {"cold start", "golden", "latency", "memory"}
    report = json.loads(scene.objects.read(tested["report_uri"]))
    assert report["promotion"]["id"] == "second"
    assert len(report["checks"]) == tested["checked"] > 2
    assert all(check["passed"] for check in report["checks"])
    page = scene.objects.read(tested["report_uri"].replace(".json", ".html")).decode()
    assert "Version 1 passed" in page
    assert "missing" in page


def test_scores_other_than_those_evaluated_are_named(scene: Scene, staged: PromotionRun) -> None:
    right = answer_with_x(1)

    def shifted(endpoint: str, body: bytes) -> Answer:
        answer = right(endpoint, body)
        if answer.status != 200:
            return answer
        rows = [json.loads(line) for line in answer.body.decode().splitlines()]
        moved = "".join(json.dumps(row | {"score": row["score"] + 0.1}) + "\n" for row in rows)
        return Answer(200, moved.encode(), 1.0)

    scene.endpoints.answer = shifted
    tested = staged.test()
    assert tested["passed"] is False
    assert "golden: " in tested["reason"]
    assert tested["report_uri"] in tested["reason"]


def test_a_retry_gives_what_the_first_attempt_found_and_measures_nothing_again(
    scene: Scene, staged: PromotionRun
) -> None:
    scene.endpoints.answer = answer_with_x(1)
    first = staged.test()
    report = scene.objects.read(first["report_uri"])
    scene.endpoints.answer = lambda endpoint, body: Answer(500, b"broken", 1.0)
    assert staged.test() == first
    assert scene.objects.read(first["report_uri"]) == report
    assert kinds(scene).count("staging.tested") == 1


def test_an_execution_whose_lease_passed_on_tests_nothing(scene: Scene, staged: PromotionRun) -> None:
    scene.later(days=1)
    PromotionRun(scene, "other").check(approved(scene, "run-3"))
    with pytest.raises(LeaseLost, match="second lost the lease to other"):
        staged.test()
