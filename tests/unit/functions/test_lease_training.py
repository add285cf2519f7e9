"""lease_training as the training machine calls it."""

from functions.lease_training.handler import LeaseTrainingEvent, handler
from tests.fakes import NOON, fake_runtime
from tests.fixtures import tiny
from trimtab.entrypoint import Runtime


def ask(runtime: Runtime, execution: str) -> dict[str, object]:
    event = LeaseTrainingEvent(model="tiny", at=NOON, execution=execution, reason="first labelled data", cause="intake")
    return handler.call(event, runtime)


def test_a_run_is_named_by_model_time_and_execution() -> None:
    assert ask(fake_runtime(tiny.SPEC), "4b1d-11111111-22222222") == {
        "granted": True,
        "run": "trimtab-test-tiny-20260101120000-22222222",
        "fence": 1,
        "holder": "trimtab-test-tiny-20260101120000-22222222",
    }


def test_a_run_that_has_to_wait_is_told_for_whom() -> None:
    runtime = fake_runtime(tiny.SPEC)
    first = ask(runtime, "execution-11111111")
    second = ask(runtime, "execution-22222222")
    assert (second["granted"], second["holder"]) == (False, first["run"])
    assert ask(runtime, "execution-11111111") == first
