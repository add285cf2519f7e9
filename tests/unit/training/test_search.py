"""A search for hyperparameters, from its plan to its report."""

import json
from typing import Any

import pytest

from tests.fakes import NOON, MemoryLedger, MemoryObjects
from tests.fixtures import tiny
from trimtab.errors import SearchFailed
from trimtab.ledger.kinds import SEARCH_ENDED
from trimtab.spec import Spec
from trimtab.training.search import Search, direction, objective, parent
from trimtab.training.trials import Trial

RANGES: dict[str, Any] = {"max_depth": {"min": 2, "max": 8}, "min_samples_leaf": [10, 20]}


def spec_with(**tuning: Any) -> Spec:
    document = tiny.SPEC.model_dump(mode="json")
    document["training"]["tuning"] = {"ranges": RANGES, **tuning}
    return Spec.model_validate(document, strict=False)


class Found:
    """The trials that a search has left."""

    def __init__(self, *values: float | None) -> None:
        self.asked = 0
        self._trials = [self._trial(place, value) for place, value in enumerate(values)]

    @staticmethod
    def _trial(place: int, value: float | None) -> Trial:
        failed = value is None
        given = {"max_depth": str(place + 2), "min_samples_leaf": "10"}
        status, failure = ("Failed", "AlgorithmError: your code: train.py:9") if failed else ("Completed", "")
        return Trial(f"trial-{place}", given, status, value, 36.0, failure)

    def trials(self, search: str) -> list[Trial]:
        self.asked += 1
        return self._trials


def search(spec: Spec, ledger: MemoryLedger, objects: MemoryObjects, job: str = "tiny-abc-1") -> Search:
    return Search(spec, "run-1", job, "s3://artifacts/tiny/runs/run-1", ledger, objects)


def conclude(found: Found, **tuning: Any) -> tuple[dict[str, Any], MemoryLedger, MemoryObjects]:
    ledger, objects = MemoryLedger(), MemoryObjects()
    return search(spec_with(**tuning), ledger, objects).conclude(found, NOON), ledger, objects


def test_the_best_trial_s_hyperparameters_are_the_answer() -> None:
    answer, ledger, objects = conclude(Found(0.61, 0.74, 0.70))
    assert answer["best"] == {"max_depth": "3", "min_samples_leaf": "10"}
    assert (answer["value"], answer["tried"], answer["failed"]) == (0.74, 3, 0)
    report = json.loads(objects.read("s3://artifacts/tiny/runs/run-1/search.json"))
    assert report["cost"] == {"amount": 0.0069, "currency": "USD", "prices_of": "2025-06-01"}
    page = objects.read("s3://artifacts/tiny/runs/run-1/search.html").decode()
    assert page.count("<circle") == 3
    assert 'class="best"' in page
    assert "trials" not in ledger.entries(SEARCH_ENDED)[0].data, "the ledger keeps what was decided, S3 the rest"


def test_less_is_better_for_a_loss() -> None:
    answer, *_ = conclude(Found(0.61, 0.40, 0.70), objective="log_loss")
    assert (answer["value"], answer["metric"]) == (0.40, "log_loss")


def test_some_trials_may_fail() -> None:
    answer, *_ = conclude(Found(None, 0.70, None, 0.72), max_failed_share=0.5)
    assert (answer["value"], answer["failed"]) == (0.72, 2)


def test_too_many_failures_fail_the_search_with_the_first_reason_and_a_report() -> None:
    objects = MemoryObjects()
    with pytest.raises(SearchFailed, match=r"2 of 3 trials failed.*train.py:9"):
        search(spec_with(max_failed_share=0.5), MemoryLedger(), objects).conclude(Found(None, None, 0.7), NOON)
    assert "train.py:9" in objects.read("s3://artifacts/tiny/runs/run-1/search.html").decode()


def test_a_search_without_a_value_fails() -> None:
    with pytest.raises(SearchFailed, match="none of 0 trials"):
        conclude(Found())


def test_a_search_that_was_never_made_fails_with_the_error_that_kept_it_from_being() -> None:
    refused = json.dumps({"Error": "SageMaker.AccessDeniedException", "Cause": "not allowed to search"})
    with pytest.raises(SearchFailed, match="not allowed to search"):
        search(spec_with(), MemoryLedger(), MemoryObjects()).conclude(Found(), NOON, refused)


def test_a_retry_gives_the_same_answer_without_asking_again() -> None:
    ledger, objects, found = MemoryLedger(), MemoryObjects(), Found(0.6, 0.7)
    once = search(spec_with(), ledger, objects).conclude(found, NOON)
    assert search(spec_with(), ledger, objects).conclude(found, NOON) == once
    assert (found.asked, len(ledger.entries(SEARCH_ENDED))) == (1, 1)


def test_a_search_learns_from_the_last_one_over_the_same_names() -> None:
    ledger = MemoryLedger()
    assert parent(ledger, spec_with()) is None
    for job in ("tiny-abc-1", "tiny-abc-2"):
        search(spec_with(), ledger, MemoryObjects(), job).conclude(Found(0.6), NOON)
    assert parent(ledger, spec_with()) == "tiny-abc-2"
    assert parent(ledger, spec_with(warm_start="never")) is None
    assert parent(ledger, spec_with(ranges={"max_depth": {"min": 2, "max": 8}})) is None, "other hyperparameters"
    assert parent(ledger, spec_with(objective="log_loss")) is None, "another goal"


def test_the_goal_is_the_primary_metric_unless_another_is_named() -> None:
    assert (objective(spec_with()), direction(spec_with())) == ("auc", "Maximize")
    assert direction(spec_with(objective="brier")) == "Minimize"


def test_text_of_a_trial_cannot_become_markup() -> None:
    found = Found(0.6)
    found._trials.append(Trial("<script>", {"max_depth": "<b>"}, "Failed", None, None, "<img src=x>"))
    _, _, objects = conclude(found)
    page = objects.read("s3://artifacts/tiny/runs/run-1/search.html").decode()
    assert not [tag for tag in ("<script", "<img", "<b>") if tag in page]
