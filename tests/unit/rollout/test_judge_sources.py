"""A look gathers what its sources have, tells both fleets apart, and asks production itself when that is too little."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes import MemoryObjects
from tests.judge_fakes import MemoryCaptures, MemoryMeasurements
from tests.unit.functions.scene import tiny_spec
from tests.unit.monitoring.captured import capture_uri, direction, json_lines, line, request_line
from trimtab.aws import captured_answers
from trimtab.aws.captured_answers import CapturedTraffic
from trimtab.aws.late_losses import WindowLosses
from trimtab.names import SYNTHETIC
from trimtab.rollout.judge.collect import collect
from trimtab.rollout.judge.evidence import RANKS, Fleet, Score
from trimtab.rollout.judge.look import look
from trimtab.rollout.judge.sources import CapturedAnswer, Sources, Subject
from trimtab.rollout.judge.synthetic import PATIENCE, PER_LOOK, ask
from trimtab.rollout.judge.verdict import Judgement
from trimtab.spec.judging import JudgedMetric, JudgeSpec
from trimtab.spec.rollout import RolloutSpec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NEW, OLD = Fleet("trimtab-test-tiny", "v2", "main"), Fleet("trimtab-test-tiny", "v1", "main")
SUBJECT = Subject("tiny", NOON, NOON + timedelta(hours=2), NEW, 2, OLD, 1)
STEPPED = Subject("tiny", NOON, NOON + timedelta(hours=2), Fleet("e", "s", "challenger"), 2, Fleet("e", "s", "main"), 1)


def minute(number: int) -> datetime:
    return NOON + timedelta(minutes=number)


def measured(minutes: int = 10, slower: float = 1.0) -> MemoryMeasurements:
    found = MemoryMeasurements()
    for fleet, requests, factor in ((NEW, 50, slower), (OLD, 200, 1.0)):
        for number in range(minutes):
            found.measure("Invocations", fleet.dimensions, minute(number), requests)
            found.measure("Invocation5XXErrors", fleet.dimensions, minute(number), 0)
            found.measure("ModelLatency", fleet.dimensions, minute(number), requests, "SampleCount")
            for rank in RANKS:
                at = factor * (20_000 + 100 * rank + 10 * number)
                found.measure("ModelLatency", fleet.dimensions, minute(number), at, f"p{rank}")
    return found


def test_requests_errors_and_latencies_of_both_fleets_are_read_by_one_call() -> None:
    judgement = look(SUBJECT, RolloutSpec(), Sources(measured(slower=1.4)), minute(10))
    assert judgement.outcome == "fail"
    latency = judgement.check("latency")
    assert latency is not None
    assert (latency.outcome, latency.n_new, latency.n_old) == ("fail", 500, 2000)
    assert latency.value == pytest.approx(0.4, abs=0.01)
    assert "25.0 ms" in latency.message
    assert look(SUBJECT, RolloutSpec(), Sources(measured()), minute(10)).outcome == "pass"


def test_fleets_of_one_config_are_side_by_side_and_those_of_all_at_once_are_not() -> None:
    together = [
        collect(subject, RolloutSpec(strategy=strategy), Sources(measured())).side_by_side
        for subject, strategy in ((SUBJECT, "canary"), (SUBJECT, "all_at_once"), (STEPPED, "all_at_once"))
    ]
    assert together == [True, False, True]


def test_metrics_that_cannot_be_read_leave_the_verdict_open() -> None:
    judgement = look(SUBJECT, RolloutSpec(), Sources(MemoryMeasurements(broken="throttled")), minute(10))
    assert judgement.outcome == "inconclusive"
    assert judgement.unread == {"metrics": 1}


def test_a_metric_of_ones_own_is_read_for_both_fleets_and_for_the_hour_before() -> None:
    rule = JudgedMetric(
        name="revenue", namespace="Shop", metric="Revenue", dimensions={"Version": "{version}"}, limit=0.1
    )
    source = measured()
    for version, first in (("2", 0), ("1", -10)):
        for number in range(first, 10):
            source.measure("Revenue", {"Version": version}, minute(number), 5.0, "Average")
    evidence = collect(SUBJECT, RolloutSpec(judge=JudgeSpec(metrics=(rule,))), Sources(source))
    assert evidence.old is not None
    assert len(evidence.new.metrics["revenue"]) == 10
    assert minute(3) in evidence.old.metrics["revenue"]
    assert sorted(evidence.before["revenue"]) == [minute(number) for number in range(-10, 0)]


def answer(
    second: int, version: int | None, record: str = "", *, synthetic: bool = False, score: float = 0.5
) -> CapturedAnswer:
    return CapturedAnswer(
        NOON + timedelta(seconds=second), f"{second}-{version}", record, version, score, synthetic=synthetic
    )


def test_answers_of_one_variant_are_told_apart_by_the_version_that_they_name() -> None:
    captures = MemoryCaptures({"main": [answer(1, 2), answer(2, 1), answer(3, None), answer(4, 7)]})
    evidence = collect(SUBJECT, RolloutSpec(), Sources(measured(), captures))
    assert evidence.old is not None
    assert [score.request for score in evidence.new.scores] == ["1-2"]
    assert [score.request for score in evidence.old.scores] == ["2-1"]


def test_answers_that_name_no_version_are_told_apart_by_their_variant() -> None:
    captures = MemoryCaptures({"main": [answer(1, None)], "challenger": [answer(2, None), answer(3, None)]})
    evidence = collect(STEPPED, RolloutSpec(), Sources(measured(), captures))
    assert evidence.old is not None
    assert (len(evidence.new.scores), len(evidence.old.scores)) == (2, 1)


def test_synthetic_requests_are_no_traffic_but_tell_what_both_versions_answer() -> None:
    found = [answer(1, 2, "r", synthetic=True, score=0.9), answer(2, 1, "r", synthetic=True), answer(3, 2, "other")]
    evidence = collect(SUBJECT, RolloutSpec(), Sources(measured(), MemoryCaptures({"main": found})))
    assert evidence.answers == {"r": (0.9, 0.5)}
    assert [score.request for score in evidence.new.scores] == ["3-2"]


def captured(objects: MemoryObjects, name: str, at: datetime, *lines: bytes) -> None:
    objects.write(capture_uri(at, name), b"".join(lines))


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    captured_answers._read.clear()


def traffic(objects: MemoryObjects) -> list[CapturedAnswer]:
    return list(CapturedTraffic(objects, "s3://captures/tiny/capture", tiny_spec().data).answers(NEW, NOON))


def record(row: int) -> dict[str, Any]:
    return {"row": row, "x": 0.5, "kind": "a", "seen": NOON.isoformat()}


def test_captured_files_are_read_from_the_beginning_of_the_rollout_on() -> None:
    objects = MemoryObjects()
    for number, offset in enumerate((-3600, -60, 0, 90)):
        at = NOON + timedelta(seconds=offset)
        lines = [request_line(f"{number}-{k}", at + timedelta(seconds=50 * k), [record(number)], [0.1]) for k in (0, 2)]
        captured(objects, f"file{number}", at, *lines, b"not json\n")
    assert [found.request for found in traffic(objects)] == ["1-2", "2-0", "2-2", "3-0", "3-2"]


def test_an_answer_that_is_no_number_is_compared_with_nothing() -> None:
    objects = MemoryObjects()
    said = {"number": 0.5, "nan": float("nan"), "infinite": float("inf")}
    captured(objects, "file", NOON, *(request_line(name, NOON, [record(1)], [each]) for name, each in said.items()))
    assert [found.request for found in traffic(objects)] == ["number"]


def test_one_answer_of_a_request_counts_with_its_record_version_and_mark() -> None:
    objects = MemoryObjects()
    many = request_line("many", NOON, [record(1), record(2)], [0.25, 0.75], version=2)
    body = json.loads(line("own", NOON, direction("INPUT", json_lines([record(3)])),
                           direction("OUTPUT", json_lines([{"id": 3, "score": 0.5}]))))  # fmt: skip
    body["eventMetadata"]["inferenceId"] = f"{SYNTHETIC}7"
    captured(objects, "file", NOON, many, json.dumps(body).encode() + b"\n")
    by_request = {found.request: found for found in traffic(objects)}
    assert by_request["many"] == CapturedAnswer(NOON, "many", "1", 2, 0.25)
    assert by_request["own"] == CapturedAnswer(NOON, "own", "3", None, 0.5, synthetic=True)


def test_a_look_fetches_so_many_bytes_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = MemoryObjects()
    for number in range(3):
        at = NOON + timedelta(seconds=number)
        captured(objects, f"file{number}", at, request_line(str(number), at, [record(number)], [0.1]))
    monkeypatch.setattr(captured_answers, "MAX_BYTES", 10)
    assert [len(traffic(objects)) for _ in range(4)] == [1, 2, 3, 3]


def test_late_truth_is_read_from_the_windows_since_the_rollout_began() -> None:
    objects = MemoryObjects()
    for run, at in (("20260101T110000Z", -30), ("20260101T130000Z", 5)):
        rows = [[minute(at).isoformat(), f"{run}-{n}", 0.25] for n in range(2)] + [[minute(-9).isoformat(), "old", 1.0]]
        objects.write(f"s3://c/tiny/windows/{run}/losses.json", json.dumps({"1": rows, "2": rows[:1]}).encode())
        objects.write(f"s3://c/tiny/windows/{run}/quality.json", b"{}")
    found = WindowLosses(objects, "s3://c/tiny/windows").losses(NOON)
    assert [score.request for score in found[1]] == ["20260101T130000Z-0", "20260101T130000Z-1"]
    assert found[2] == (Score(minute(5), "20260101T130000Z-0", 0.25),)
    evidence = collect(SUBJECT, RolloutSpec(), Sources(measured(), truths=WindowLosses(objects, "s3://c/tiny/windows")))
    assert evidence.old is not None
    assert (len(evidence.new.losses), len(evidence.old.losses)) == (1, 2)


class Production:
    """Answers every request of the record 3 with an error."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes, str]] = []

    def ask(self, endpoint: str, body: bytes, inference_id: str) -> bool:
        self.asked.append((endpoint, body, inference_id))
        return body != b"3"


def asked_after(judgement: Judgement, **judging: Any) -> tuple[Production, tuple[int, int]]:
    production = Production()
    bodies = [str(number).encode() for number in range(30)]
    return production, ask(production, "e", bodies, judgement, RolloutSpec(judge=JudgeSpec(**judging)))


def test_production_is_asked_while_there_is_too_little_to_judge_by() -> None:
    thin = look(SUBJECT, RolloutSpec(), Sources(MemoryMeasurements()), minute(10))
    production, counted = asked_after(thin)
    assert counted == (PER_LOOK, PER_LOOK - 1)
    assert all(inference_id.startswith(SYNTHETIC) for _, _, inference_id in production.asked)
    second = look(SUBJECT, RolloutSpec(), Sources(MemoryMeasurements()), minute(10), thin)
    assert asked_after(second)[0].asked[0][1] == b"20"


def test_production_is_left_alone_when_there_is_enough_or_when_the_spec_says_so() -> None:
    enough = look(SUBJECT, RolloutSpec(), Sources(measured()), minute(10))
    thin = look(SUBJECT, RolloutSpec(), Sources(MemoryMeasurements()), minute(10))
    assert asked_after(enough)[1] == (0, 0)
    assert asked_after(thin, synthetic="never")[1] == (0, 0)
    assert asked_after(enough, synthetic="always")[1] == (PER_LOOK, PER_LOOK - 1)


def test_a_production_that_answers_nothing_is_not_waited_for() -> None:
    class Silent(Production):
        def ask(self, endpoint: str, body: bytes, inference_id: str) -> bool:
            return False

    thin = look(SUBJECT, RolloutSpec(), Sources(MemoryMeasurements()), minute(10))
    assert ask(Silent(), "e", [b"{}"], thin, RolloutSpec()) == (PATIENCE, 0)
