"""lease_training as the training machine calls it."""

from functions.lease_training.handler import LeaseTrainingEvent, handler
from tests.fakes import NOON, fake_runtime
from tests.fixtures import tiny
from trimtab.entrypoint import Runtime


def ask(runtime: Runtime, execution: str, **asked: str) -> dict[str, object]:
    request = asked or {"reason": "first labelled data", "cause": "data", "requested_by": ""}
    event = {"model": "tiny", "at": NOON.isoformat(), "execution": execution, "request": {"model": "tiny"} | request}
    return handler.call(LeaseTrainingEvent.model_validate(event), runtime)


def test_a_run_is_named_by_model_time_and_execution() -> None:
    assert ask(fake_runtime(tiny.SPEC), "4b1d-11111111-22222222") == {
        "granted": True,
        "run": "trimtab-test-tiny-20260101120000-22222222",
        "job": "trimtab-test-tiny-20260101120000-22222222",
        "attempt": 0,
        "fence": 1,
        "holder": "trimtab-test-tiny-20260101120000-22222222",
        "requested_by": "",
    }


def test_a_run_that_has_to_wait_is_told_for_whom() -> None:
    runtime = fake_runtime(tiny.SPEC)
    first = ask(runtime, "execution-11111111")
    second = ask(runtime, "execution-22222222")
    assert (second["granted"], second["holder"]) == (False, first["run"])
    assert ask(runtime, "execution-11111111") == first


def test_a_person_is_remembered_and_need_not_say_more_than_who_they_are() -> None:
    runtime = fake_runtime(tiny.SPEC)
    assert ask(runtime, "execution-11111111", requested_by="ada")["requested_by"] == "ada"
    leased = runtime.ledger.entries("training.leased")[0].data
    assert (leased["cause"], leased["requested_by"], leased["reason"]) == ("person", "ada", "asked for")


def test_a_person_who_has_to_wait_is_remembered_too() -> None:
    runtime = fake_runtime(tiny.SPEC)
    ask(runtime, "execution-11111111")
    ask(runtime, "execution-22222222", requested_by="ada", reason="new labels")
    waiting = runtime.ledger.entries("training.waiting")[0].data
    assert (waiting["cause"], waiting["requested_by"]) == ("person", "ada")
