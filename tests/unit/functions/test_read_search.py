"""read_search as the training machine calls it, after a search that ended well or not."""

import pytest

from functions.read_search.handler import ReadSearchEvent, read
from tests.fakes import NOON, fake_runtime
from tests.unit.training.test_search import Found, spec_with
from trimtab.errors import SearchFailed

EVENT = ReadSearchEvent(model="tiny", at=NOON, run="run-1", search_job="tiny-abc-1")


def test_the_machine_is_told_the_best_hyperparameters() -> None:
    runtime = fake_runtime(spec_with())
    found = read(EVENT, runtime, Found(0.6, 0.7))
    assert found["best"] == {"max_depth": "3", "min_samples_leaf": "10"}
    assert runtime.objects.read(runtime.artifact("runs", "run-1", "search.html"))


def test_a_search_that_was_refused_fails_the_run_with_the_refusal() -> None:
    refused = EVENT.model_copy(update={"failure": '{"Error": "SageMaker.X", "Cause": "no capacity"}'})
    with pytest.raises(SearchFailed, match="no capacity"):
        read(refused, fake_runtime(spec_with()), Found())
