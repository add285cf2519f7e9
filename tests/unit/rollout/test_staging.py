"""Staging asks what production will be asked, and worse; every way to answer wrongly fails it, and by its name."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from trimtab.authoring.contract import Contract
from trimtab.authoring.inference import Served, transform_fn
from trimtab.errors import DataError
from trimtab.ports import Answer
from trimtab.rollout.staging import Check, Demands, Golden, Probe, percentile, read_golden, run_checks
from trimtab.rollout.staging.load import RECORDS, WARM_UP_REQUESTS, WORKERS, check_load, offered
from trimtab.rollout.staging.soak import slope
from trimtab.spec import parse_spec
from trimtab.spec.staging import LoadSpec

SPEC = parse_spec(
    """\
name: tiny
data:
  id: id
  label: target
  columns:
    id: {type: integer}
    x: {type: number}
    n: {type: integer, nullable: true}
    word: {type: string}
    open: {type: boolean}
    at: {type: timestamp}
    target: {type: integer, nullable: true}
training: {entry_point: train.py}
rollout:
  max_latency_ms: 2000
  staging_test: {load: {requests_per_second: 200, seconds: 1}, clients: 3, soak_minutes: 4}
"""
)
FEATURES = SPEC.data.features


def record(number: int) -> dict[str, Any]:
    day = f"2026-01-{number % 28 + 1:02}T12:00:00"
    return {"id": number, "x": number / 100, "n": number, "word": f"w{number}", "open": number % 2 == 0, "at": day}


GOLDEN = [Golden(record(number), number / 100, number) for number in range(60)]


class Echo:
    """x is the score."""

    wants_table = False

    def scores(self, columns: Any) -> "np.ndarray[Any, Any]":
        return np.array(columns["x"], dtype="float64")


SERVED = Served(Echo(), Contract.of_spec(SPEC.model_dump(mode="json")))
Ask = Callable[[bytes, str], Answer]


def sound(body: bytes, content_type: str) -> Answer:
    """The code that serves real models, around ``Echo``."""
    answer = transform_fn(SERVED, body, content_type, "application/jsonlines")
    if isinstance(answer, tuple):
        return Answer(200, answer[0].encode(), 1.0)
    return Answer(answer.status_code, answer.get_data(), 1.0)


def checked(send: Ask = sound, memory: Sequence[float] = (60, 41, 41, 41, 41), **limits: Any) -> list[Check]:
    """What staging finds; nothing is waited for."""
    staging = SPEC.rollout.staging_test.model_copy(update=limits)
    demands = replace(Demands.of_spec(SPEC, GOLDEN), staging=staging)
    return run_checks(Probe(send, time.monotonic, lambda _: None, lambda: memory), demands)


def failed(send: Ask = sound, **more: Any) -> list[str]:
    return [check.name for check in checked(send, **more) if not check.passed]


def changed(answer: Answer, **scored: Any) -> Answer:
    lines = [json.loads(line) | scored for line in answer.body.splitlines()]
    return Answer(answer.status, "".join(json.dumps(line) + "\n" for line in lines).encode(), answer.latency_ms)


def test_the_serving_code_withstands_everything_that_staging_tries() -> None:
    checks = checked()
    assert [check for check in checks if not check.passed] == []
    names = {check.name for check in checks}
    assert {f"missing:{name}" for name in FEATURES} | {f"null:{name}" for name in FEATURES} <= names
    kinds = {name.partition(":")[0] for name in names}
    assert {"type", "extreme", "broken", "content type", "extra", "many"} <= kinds
    assert {"cold start", "golden", "clients at once", "latency", "memory", "golden, at the end"} <= names


@pytest.mark.parametrize("score", [0.5, float("nan")])
def test_a_model_that_scores_otherwise_than_at_evaluation_fails_and_is_asked_no_further(score: float) -> None:
    def other(body: bytes, content_type: str) -> Answer:
        answer = sound(body, content_type)
        return changed(answer, score=score) if answer.status == 200 else answer

    names = failed(other)
    assert "golden" in names
    assert "latency" not in {check.name for check in checked(other)}


def test_a_model_that_drops_a_record_fails() -> None:
    def forgetful(body: bytes, content_type: str) -> Answer:
        answer = sound(body, content_type)
        kept = b"\n".join(answer.body.splitlines()[1:])
        return Answer(200, kept, 1.0) if answer.status == 200 and body.count(b"\n") > 20 else answer

    assert "golden" in failed(forgetful)


def test_answers_in_another_order_fail() -> None:
    def shuffled(body: bytes, content_type: str) -> Answer:
        answer = sound(body, content_type)
        return Answer(answer.status, b"\n".join(reversed(answer.body.splitlines())), 1.0)

    assert "golden" in failed(shuffled)


def test_a_model_that_answers_without_a_feature_fails_on_that_feature() -> None:
    def careless(body: bytes, content_type: str) -> Answer:
        return sound(body.replace(b"}", b', "word": "a"}') if b'"word"' not in body else body, content_type)

    assert "missing:word" in failed(careless)
    assert "missing:x" not in failed(careless)


@pytest.mark.parametrize(
    ("marks", "name"),
    [
        (b"{broken", "broken:not JSON"),
        (b"\x1f\x8b", "broken:compressed"),
        (b"[[[[", "broken:deeply nested"),
        (b'"x": "much"', "type:x:0"),
        (b"1.7e+308", "extreme:x:0"),
        (b"no column of the contract", "extra:column"),
    ],
)
def test_a_server_error_fails_the_case_that_caused_it(marks: bytes, name: str) -> None:
    def fragile(body: bytes, content_type: str) -> Answer:
        return Answer(500, b"oh", 1.0) if marks in body else sound(body, content_type)

    found = failed(fragile)
    assert name in found
    assert "golden" not in found
    assert "latency" not in found


def test_a_refusal_that_says_nothing_or_shows_the_code_is_no_clear_one() -> None:
    def rude(body: bytes, content_type: str) -> Answer:
        answer = sound(body, content_type)
        said = b"Traceback (most recent call last): x.py" if b"{broken" in body else b""
        return Answer(answer.status, said, 1.0) if answer.status == 400 else answer

    found = {check.name: check.message for check in checked(rude) if not check.passed}
    assert "traceback" in found["broken:not JSON"]
    assert "no word of why" in found["missing:x"]


def test_a_model_that_takes_any_content_type_fails() -> None:
    assert "content type:image/png" in failed(lambda body, _: sound(body, "application/json"))


def test_a_slow_model_fails_on_latency_alone() -> None:
    assert failed(lambda *asked: replace(sound(*asked), latency_ms=2500.0)) == ["latency"]


def test_a_load_that_one_stall_has_slowed_is_offered_once_more_and_both_are_told() -> None:
    asked: list[bytes] = []

    def stalled_once(body: bytes, content_type: str) -> Answer:
        asked.append(body)
        return replace(sound(body, content_type), latency_ms=2500.0 if len(asked) == WARM_UP_REQUESTS + 3 else 1.0)

    probe = Probe(stalled_once, time.monotonic, lambda seconds: None, lambda: ())
    bodies = [Golden(record(number), 0.5) for number in range(1, 9)]
    check = check_load(probe, bodies, LoadSpec(requests_per_second=20, seconds=1), max_latency_ms=500)
    assert check.passed
    assert check.message.startswith("too slow at first (p99 25")
    assert check.facts["first_p99_ms"] > 2400


def test_a_first_answer_that_takes_too_long_is_a_slow_cold_start() -> None:
    asked: list[bytes] = []

    def cold(body: bytes, content_type: str) -> Answer:
        asked.append(body)
        return replace(sound(body, content_type), latency_ms=61_000.0 if len(asked) == 1 else 1.0)

    assert failed(cold) == ["cold start"]


def test_waiting_for_a_stalled_endpoint_counts_from_when_a_request_was_due() -> None:
    """One stall of 0.3 s at 200 requests a second keeps dozens of callers waiting, more than there are threads."""
    began = time.monotonic()

    def stalling(body: bytes, content_type: str) -> Answer:
        asked = time.monotonic()
        time.sleep(max(0.0, began + 0.3 - asked))
        return replace(sound(body, content_type), latency_ms=(time.monotonic() - asked) * 1000)

    probe = Probe(stalling, time.monotonic, time.sleep, lambda: ())
    found = list(offered(probe, [json.dumps(record(1)).encode()], per_second=200, seconds=0.5))
    assert len(found) == 100
    assert sum(each.waited_ms > 50 for each in found) > 2 * WORKERS


def test_throttled_requests_are_told_apart_from_the_models_failures() -> None:
    turn = iter(range(10**9))

    def throttling(body: bytes, content_type: str) -> Answer:
        return Answer(429, b"Rate exceeded", 1.0) if next(turn) % 3 == 1 else sound(body, content_type)

    (latency,) = [check for check in checked(throttling) if not check.passed]
    assert latency.name == "latency"
    assert latency.facts["failed"] == 0
    assert latency.facts["throttled"] > 0
    assert "not the model's" in latency.message


def test_clients_that_get_each_others_answers_are_noticed() -> None:
    """A server that keeps the request in a global answers rightly as long as one client asks."""
    held: dict[str, bytes] = {}
    both = threading.Barrier(2, timeout=0.05)

    def global_state(body: bytes, content_type: str) -> Answer:
        if body.count(b"\n") != RECORDS:
            return sound(body, content_type)
        held["body"] = body
        try:
            both.wait()
        except threading.BrokenBarrierError:
            both.reset()
        return sound(held["body"], content_type)

    assert "clients at once" in failed(global_state)


@pytest.mark.parametrize(
    ("memory", "passed"),
    [
        ((60, 40, 41, 40, 41), True),
        ((20, 40, 42, 45, 48), False),
        ((20, 95, 95, 95, 95), False),
        ((40, 40), False),
        ((), False),
    ],
)
def test_memory_must_be_held_and_seen_to_be_held(memory: Sequence[float], passed: bool) -> None:
    late = iter(range(10**9))
    demands = Demands.of_spec(SPEC, GOLDEN)
    probe = Probe(sound, lambda: float(next(late)), lambda _: None, lambda: memory)
    (check,) = [each for each in run_checks(probe, demands) if each.name == "memory"]
    assert check.passed is passed, check.message


def test_a_leak_is_told_with_the_time_that_is_left() -> None:
    (check,) = [each for each in checked(memory=(20, 40, 45, 50, 55)) if each.name == "memory"]
    assert "full in 9 minutes" in check.message


def test_one_odd_reading_bends_no_slope() -> None:
    assert slope([40, 40, 70, 40, 40, 40]) == 0


def test_without_a_soak_memory_is_not_judged() -> None:
    assert "memory" not in {check.name for check in checked(soak_minutes=0, memory=())}


def test_a_model_that_is_down_fails_every_check_that_was_made() -> None:
    checks = checked(lambda *_: Answer(503, b"", 1.0))
    assert checks
    assert not [check for check in checks if check.passed]


def test_golden_records_are_read_as_the_evaluation_writes_them() -> None:
    line = b'{"request": {"id": 1, "x": 0.5}, "expected": {"id": 1, "score": 0.25, "prediction": 0}}\n'
    assert read_golden(line) == [Golden({"id": 1, "x": 0.5}, 0.25, 1)]


@pytest.mark.parametrize("body", [b"", b"{}\n", b"nothing\n", b'{"request": 1, "expected": {"score": 1}}\n'])
def test_golden_records_that_cannot_be_read_say_what_to_do(body: bytes) -> None:
    with pytest.raises(DataError, match="run the evaluation again"):
        read_golden(body)


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert percentile([1, 2, 3, 4], 0.5) == 2
    assert percentile([1, 2, 3, 4], 0.99) == 4
    assert percentile([1], 0.01) == 1
