"""judge_candidate as the training machine calls it."""

import hashlib
import json
from typing import Any

import pytest

from functions.judge_candidate.handler import JudgeCandidateEvent, handler
from tests.fakes import NOON, RecordingMetrics, fake_runtime
from tests.fixtures import tiny
from tests.unit.evaluation.test_gates import report, with_champion
from trimtab.contracts import Dataset
from trimtab.entrypoint import Runtime
from trimtab.errors import DataError
from trimtab.evaluation.gates import policy_sha256
from trimtab.telemetry import Metric

EVENT = JudgeCandidateEvent(model="tiny", at=NOON, run="run-1", dataset=Dataset(ready=True, reason="", dataset="d1"))
URI = "s3://artifacts/tiny/runs/run-1/evaluation/evaluation.json"


def judged(runtime: Runtime, evaluation: dict[str, Any]) -> dict[str, Any]:
    runtime.objects.write(URI, json.dumps(evaluation).encode())
    return handler.call(EVENT, runtime)


def test_a_passing_candidate_goes_on() -> None:
    runtime = fake_runtime(tiny.SPEC)
    found = judged(runtime, report())
    assert (found["passed"], found["outcome"], found["evaluation_uri"]) == (True, "pass", URI)
    assert runtime.ledger.state("last_run") == {
        "run": "run-1",
        "outcome": "pass",
        "dataset": "d1",
        "code_uri": "s3://assets/code.tar.gz",
    }


def test_the_report_for_people_lies_beside_the_evaluation() -> None:
    runtime = fake_runtime(tiny.SPEC)
    found = judged(runtime, report())
    page = runtime.objects.read(found["report_uri"]).decode()
    assert found["report_uri"] == URI.replace(".json", ".html")
    assert "Passed: the candidate may be offered for approval" in page


def test_the_judgement_names_what_it_judged_and_by_which_policy() -> None:
    runtime = fake_runtime(tiny.SPEC)
    found = judged(runtime, report(artifact_sha256="a" * 64))
    assert found["artifact_sha256"] == "a" * 64
    assert found["evaluation_sha256"] == hashlib.sha256(runtime.objects.read(URI)).hexdigest()
    assert (found["policy"], found["policy_sha256"]) == ("1", policy_sha256(tiny.SPEC.evaluation))


def test_a_refused_gate_keeps_the_champion() -> None:
    metrics = RecordingMetrics()
    runtime = fake_runtime(tiny.SPEC, metrics=metrics)
    found = judged(runtime, with_champion(-0.03))
    assert (found["passed"], found["outcome"]) == (False, "refuse")
    assert [point[0] for point in metrics.points] == [Metric.CANDIDATES_REFUSED]
    entry = runtime.ledger.entries("candidate.judged")[0]
    assert entry.data["summary"].startswith("refuse: auc better than the champion by -0.0300")


def test_a_retry_gives_the_first_judgement_and_counts_once() -> None:
    metrics = RecordingMetrics()
    runtime = fake_runtime(tiny.SPEC, metrics=metrics)
    first = judged(runtime, with_champion(-0.03))
    assert judged(runtime, report()) == first
    assert len(metrics.points) == 1


def test_a_report_with_nan_is_not_read() -> None:
    runtime = fake_runtime(tiny.SPEC)
    runtime.objects.write(URI, b'{"schema": 1, "n": NaN}')
    with pytest.raises(DataError, match="not valid JSON"):
        handler.call(EVENT, runtime)
