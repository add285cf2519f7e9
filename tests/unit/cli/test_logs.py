"""`trimtab logs`: what a run's jobs wrote, found by the end of its name."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli import logs as command
from cli.errors import CommandError
from cli.logs import told
from tests.fakes import NOON, MemoryLedger

RUN, OTHER = "trimtab-dev-tiny-20260101-aaaa1111", "trimtab-dev-tiny-20260101-bbbb2222"
TRAINING = "/aws/sagemaker/TrainingJobs"


@dataclass(frozen=True)
class Logs:
    """CloudWatch Logs: messages by log group and stream. A group that nobody has written to does not exist."""

    groups: dict[str, dict[str, str]]

    def get_paginator(self, _operation: str) -> "Logs":
        return self

    def paginate(self, logGroupName: str, logStreamNamePrefix: str) -> Iterator[dict[str, Any]]:
        if logGroupName not in self.groups:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "none"}}, "FilterLogEvents")
        for stream, message in self.groups[logGroupName].items():
            if stream.startswith(logStreamNamePrefix):
                yield {"events": [{"logStreamName": stream, "message": message, "timestamp": 1_767_225_600_000}]}


@pytest.fixture
def ledger() -> MemoryLedger:
    ledger = MemoryLedger("tiny")
    for run in (RUN, OTHER):
        ledger.append("training.leased", run, {}, NOON, "lease_training")
    ledger.append("training.released", RUN, {"summary": "ended Failed"}, NOON, "release_training")
    ledger.append("training.released", f"{RUN}-r1", {"summary": "ended Registered"}, NOON, "release_training")
    return ledger


def test_a_run_is_found_by_its_end_with_its_later_attempts_and_how_each_ended(ledger: MemoryLedger) -> None:
    streams = {f"{RUN}/algo-1": "no disk", f"{RUN[:-3]}-r1/algo-1": "trained", f"{OTHER}/algo-1": "another's"}
    found = list(told(Logs({TRAINING: streams}), ledger, "aaaa1111"))
    assert [(each["stream"], each["message"]) for each in found] == [
        (f"{RUN}/algo-1", "no disk"),
        (f"{RUN[:-3]}-r1/algo-1", "trained"),
        (None, "ended Failed"),
        (None, "ended Registered"),
    ]
    assert found[0]["at"] == "2026-01-01T00:00:00+00:00"


def test_people_and_programs_are_told_the_same(
    ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Deployed:
        def __init__(self, _name: str) -> None:
            self.client = lambda _service: Logs({TRAINING: {f"{RUN}/algo-1": "no disk"}})
            self.ledger = lambda _model: ledger

    monkeypatch.setattr(command, "Stage", Deployed)
    command.logs("tiny", RUN)
    assert capsys.readouterr().out == f"{RUN}/algo-1  no disk\nended Failed\nended Registered\n"
    command.logs("tiny", RUN, as_json=True)
    assert [each["message"] for each in json.loads(capsys.readouterr().out)] == [
        "no disk",
        "ended Failed",
        "ended Registered",
    ]


def test_a_run_whose_jobs_never_began_has_no_log_but_an_end(ledger: MemoryLedger) -> None:
    assert [each["message"] for each in told(Logs({}), ledger, RUN)] == ["ended Failed", "ended Registered"]


def test_a_name_that_is_no_run_or_more_than_one_is_told_with_the_newest(ledger: MemoryLedger) -> None:
    with pytest.raises(CommandError, match=f"no run of tiny ends in x; the newest are: {RUN}, {OTHER}"):
        list(told(Logs({}), ledger, "x"))
    ledger.append("training.leased", f"earlier-{RUN[-8:]}", {}, NOON, "lease_training")
    with pytest.raises(CommandError, match="2 runs"):
        list(told(Logs({}), ledger, RUN[-8:]))
