"""`trimtab score`: what is started, what is refused before, and what is told of the end."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from cli.score import ended, start, uploaded, write_answers
from cli.stage import CommandError, Stage
from tests.fakes import NOON, MemoryLedger, MemoryObjects
from trimtab.ledger.kinds import BATCH_PLANNED, BATCH_SCORED, MACHINE_FAILED
from trimtab.scoring.planning import batch_id

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:trimtab-dev-tiny-batch"
OUTPUT = "s3://captures/tiny/batch/b1"


class States:
    """Step Functions: one execution, which runs for two looks and ends as a test says; its data are not readable."""

    def __init__(self, status: str = "SUCCEEDED") -> None:
        self.started: list[dict[str, Any]] = []
        self._described = [{"status": "RUNNING"}, {"status": "RUNNING"}, {"status": status}]

    def start_execution(self, **asked: Any) -> dict[str, Any]:
        self.started.append(asked)
        return {"executionArn": f"{MACHINE}:{asked['name']}"}

    def describe_execution(self, executionArn: str, includedData: str) -> dict[str, Any]:
        assert includedData == "METADATA_ONLY"
        return self._described.pop(0)

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:aws:iam::123456789012:user/ann"}


def stage(states: States, *, batches: bool = True) -> Stage:
    made: Any = Stage(session=object())
    made.__dict__.update(data={"DropsBucket": "drops"}, objects=MemoryObjects(), client=lambda _: states)
    made.__dict__["model"] = lambda _: {"BatchMachine": MACHINE} if batches else {}
    found: Stage = made
    return found


def test_a_file_is_uploaded_into_a_folder_of_its_own_and_scored_in_the_callers_name(tmp_path: Path) -> None:
    file = tmp_path / "day.jsonl"
    file.write_text('{"id": 1}\n')
    states = States()
    where = stage(states)
    start(where, "tiny", str(file), 3)
    (asked,) = states.started
    told = json.loads(asked["input"])
    assert told["source"] == f"s3://drops/tiny/batch/asked/{asked['name']}/day.jsonl"
    assert where.objects.read(told["source"]) == b'{"id": 1}\n'
    assert (told["cause"], told["version"], told["by"]) == ("person", 3, "arn:aws:iam::123456789012:user/ann")


def test_what_is_no_file_of_json_lines_and_a_model_without_batches_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    file.write_text("1")
    with pytest.raises(CommandError, match=r"\.jsonl or \.ndjson"):
        uploaded(stage(States()), "tiny", file, "name")
    with pytest.raises(CommandError, match="scores no files"):
        start(stage(States(), batches=False), "tiny", "s3://drops/tiny/batch/asked/", 0)


def noted(status: str, *entries: tuple[str, str, dict[str, Any]]) -> Stage:
    """An execution that ended so, and what the ledger has of it."""
    made, ledger = stage(States(status)), MemoryLedger()
    for kind, subject, data in entries:
        ledger.append(kind, subject, data, NOON, "test")
    made.__dict__["ledger"] = lambda _: ledger
    return made


def test_the_end_is_waited_for_and_told_from_the_ledger() -> None:
    pauses: list[float] = []
    batch, execution = batch_id("score-1"), f"{MACHINE}:score-1"
    scored = {"summary": "scored", "output_uri": OUTPUT}
    where = noted("SUCCEEDED", (BATCH_PLANNED, batch, {"reason": ""}), (BATCH_SCORED, batch, scored))
    assert ended(where, "tiny", execution, pauses.append)["summary"] == "scored"
    assert len(pauses) == 2
    refused = noted("SUCCEEDED", (BATCH_PLANNED, batch, {"reason": "version 7 has never served"}))
    with pytest.raises(CommandError, match="version 7 has never served"):
        ended(refused, "tiny", execution, pauses.append)
    failed = noted(
        "SUCCEEDED", (BATCH_PLANNED, batch, {"reason": ""}), (MACHINE_FAILED, "score-1", {"cause": "the job failed"})
    )
    with pytest.raises(CommandError, match="the job failed"):
        ended(failed, "tiny", execution, pauses.append)
    with pytest.raises(CommandError, match="the execution ABORTED"):
        ended(noted("ABORTED"), "tiny", execution, pauses.append)


def test_answers_are_written_in_the_order_of_their_files(tmp_path: Path) -> None:
    where = stage(States())
    for place, score in (("b.jsonl.out", 2), ("a.jsonl.out", 1)):
        row = json.dumps({"id": score, "SageMakerOutput": {"score": score}})
        where.objects.write(f"{OUTPUT}/{place}", io.BytesIO(f"{row}\n\n".encode()).getvalue())
    write_answers(where, OUTPUT, tmp_path / "answers.jsonl")
    assert (tmp_path / "answers.jsonl").read_text() == '{"score": 1}\n{"score": 2}\n'
