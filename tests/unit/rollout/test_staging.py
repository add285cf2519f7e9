"""Staging asks what production will be asked; every way to answer wrongly fails it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from trimtab.errors import DataError
from trimtab.ports import Answer
from trimtab.rollout.staging import Golden, percentile, read_golden, run_checks

FEATURES = ("x", "y")
GOLDEN = [Golden({"id": number, "x": number / 100, "y": 1.0}, number / 100) for number in range(100)]


def model(body: bytes) -> Answer:
    """Answers with x as the score; refuses what is no record with both features."""
    try:
        records = [json.loads(line) for line in body.decode().splitlines()]
        scores = [{"id": record["id"], "score": record["x"] + 0 * record["y"]} for record in records]
    except (ValueError, KeyError, TypeError):
        return Answer(400, b'{"error": "refused"}', 1.0)
    if not records:
        return Answer(400, b'{"error": "no record"}', 1.0)
    return Answer(200, "".join(json.dumps(score) + "\n" for score in scores).encode(), 2.0)


def failed(send: Callable[[bytes], Answer], max_latency_ms: float = 100) -> list[str]:
    return [check.name for check in run_checks(send, GOLDEN, FEATURES, max_latency_ms) if not check.passed]


def changed(answer: Answer, **scored: Any) -> Answer:
    lines = [json.loads(line) | scored for line in answer.body.splitlines()]
    return Answer(answer.status, "".join(json.dumps(line) + "\n" for line in lines).encode(), answer.latency_ms)


def test_a_sound_model_passes_every_check() -> None:
    checks = run_checks(model, GOLDEN, FEATURES, 100)
    assert all(check.passed for check in checks), checks
    assert {"golden", "missing:x", "missing:y", "broken:not JSON", "latency"} <= {check.name for check in checks}


@pytest.mark.parametrize("score", [0.5, float("nan")])
def test_a_model_that_scores_otherwise_than_at_evaluation_fails(score: float) -> None:
    assert "golden" in failed(
        lambda body: changed(model(body), score=score) if model(body).status == 200 else model(body)
    )


def test_a_model_that_drops_a_record_fails() -> None:
    def forgetful(body: bytes) -> Answer:
        answer = model(body)
        return Answer(answer.status, b"\n".join(answer.body.splitlines()[1:]), 1.0) if answer.status == 200 else answer

    assert "golden" in failed(forgetful)


def test_a_model_that_answers_without_a_feature_fails_on_that_feature() -> None:
    def careless(body: bytes) -> Answer:
        return model(body.replace(b"}", b', "y": 0}') if b'"y"' not in body else body)

    assert failed(careless) == ["missing:y"]


def test_a_server_error_on_a_broken_body_fails() -> None:
    def fragile(body: bytes) -> Answer:
        return Answer(500, b"", 1.0) if body.startswith(b"{broken") else model(body)

    assert failed(fragile) == ["broken:not JSON"]


def test_a_slow_model_fails_on_latency_alone() -> None:
    assert failed(model, max_latency_ms=1.5) == ["latency"]


def test_a_model_that_is_down_fails_everything() -> None:
    assert len(failed(lambda body: Answer(503, b"", 1.0))) == len(run_checks(model, GOLDEN, FEATURES, 100))


def test_golden_records_are_read_as_the_evaluation_writes_them() -> None:
    line = b'{"request": {"id": 1, "x": 0.5}, "expected": {"id": 1, "score": 0.25, "prediction": 0}}\n'
    assert read_golden(line) == [Golden({"id": 1, "x": 0.5}, 0.25)]


@pytest.mark.parametrize("body", [b"", b"{}\n", b"nothing\n", b'{"request": 1, "expected": {"score": 1}}\n'])
def test_golden_records_that_cannot_be_read_say_what_to_do(body: bytes) -> None:
    with pytest.raises(DataError, match="run the evaluation again"):
        read_golden(body)


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert percentile([1, 2, 3, 4], 0.5) == 2
    assert percentile([1, 2, 3, 4], 0.99) == 4
    assert percentile([1], 0.01) == 1
