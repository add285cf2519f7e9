"""Proof that production answers, by a request or by its queue."""

import json

from tests.endpoint_fakes import MemoryEndpoints
from tests.fakes import NOON, MemoryLedger, MemoryObjects
from tests.unit.functions.scene import Opinions
from trimtab.contracts import Promotion
from trimtab.names import SYNTHETIC
from trimtab.ports import Later
from trimtab.rollout.checking import Checks
from trimtab.rollout.proof import LOOKS, Queue, prove, queue_of
from trimtab.spec.rollout import RolloutSpec
from trimtab.spec.strategies import ChecksSpec

GOLDEN = json.dumps({"request": {"row": 1, "x": 0.5}, "expected": {"id": 1, "score": 0.5}}).encode()
FOLDER = "s3://captures/tiny/async"


def scene(after: int | None, *, fails: bool = False) -> tuple[MemoryEndpoints, MemoryObjects, Queue, list[float]]:
    """An asynchronous endpoint that answers after so many looks, or never."""
    objects, waited, asked = MemoryObjects(), list[float](), list[str]()
    objects.write("s3://golden", GOLDEN + b"\n")

    def later(endpoint: str, uri: str) -> Later:
        asked.append(objects.read(uri).decode())
        return Later(f"{FOLDER}/answers/1.out", f"{FOLDER}/failures/1-error.out")

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if after is not None and len(waited) == after:
            place = "failures/1-error.out" if fails else "answers/1.out"
            objects.write(f"{FOLDER}/{place}", b"broken" if fails else b'{"id": 1, "score": 0.5}\n')

    endpoints = MemoryEndpoints(later=later)
    return endpoints, objects, Queue(endpoints, objects, f"{FOLDER}/requests", wait), waited


def test_an_asynchronous_endpoint_is_proven_by_what_it_puts_into_s3() -> None:
    endpoints, objects, queue, waited = scene(after=3)
    proof = prove(endpoints, objects, "tiny", "s3://golden", queue)
    assert (proof["status"], proof["answer"]) == (200, '{"id": 1, "score": 0.5}\n')
    assert len(waited) == 3
    assert [mark.startswith(SYNTHETIC) for mark in endpoints.marks] == [True], "it is no traffic"


def test_a_failure_of_the_model_is_no_proof() -> None:
    endpoints, objects, queue, _ = scene(after=1, fails=True)
    assert prove(endpoints, objects, "tiny", "s3://golden", queue)["status"] == 500


def test_an_answer_that_does_not_come_in_half_a_minute_is_said_to_be_outstanding() -> None:
    endpoints, objects, queue, waited = scene(after=None)
    proof = prove(endpoints, objects, "tiny", "s3://golden", queue)
    assert (proof["status"], proof["answer"]) == (202, "accepted, and not answered yet")
    assert len(waited) == LOOKS
    assert sum(waited) == 30


def test_only_asynchronous_endpoints_are_asked_by_a_queue() -> None:
    endpoints, objects, _, _ = scene(after=None)
    found = [
        queue_of(RolloutSpec.model_validate({"endpoint": {"kind": kind}}), endpoints, objects, FOLDER, lambda _: None)
        for kind in ("realtime", "async")
    ]
    assert [each is None for each in found] == [True, False]


def checks(queue: Queue) -> Checks:
    promotion = Promotion(outcome="Approved", reason="", package_arn="arn", version=2, id="p", golden_uri="s3://golden")
    return Checks("tiny", promotion, ChecksSpec(), Opinions(), MemoryLedger(), NOON, queue)


def test_after_the_rollout_an_asynchronous_endpoint_is_held_to_its_golden_records_by_its_queue() -> None:
    endpoints, objects, queue, _ = scene(after=2)
    assert checks(queue).after(endpoints, "tiny", objects) == []
    endpoints, objects, queue, _ = scene(after=2, fails=True)
    assert "check golden records said no" in checks(queue).after(endpoints, "tiny", objects)[0]


def test_a_long_queue_is_held_against_no_version() -> None:
    endpoints, objects, queue, _ = scene(after=None)
    assert checks(queue).after(endpoints, "tiny", objects) == []
