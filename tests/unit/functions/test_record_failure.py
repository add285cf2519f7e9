"""An execution that failed is written down and told."""

import json
from typing import Any

import pytest

from functions.record_failure.handler import RecordFailureEvent, handler
from tests.fakes import NOON
from tests.unit.functions.intake_samples import Intake


def _event(error: dict[str, Any]) -> RecordFailureEvent:
    document = {"model": "tiny", "machine": "intake", "execution": "one", "at": NOON.isoformat(), "error": error}
    return RecordFailureEvent.model_validate(document)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"Error": "KeyError", "Cause": json.dumps({"errorMessage": "'x'", "errorType": "KeyError"})}, "'x'"),
        ({"Error": "States.Timeout", "Cause": "the task timed out"}, "the task timed out"),
        ({"Error": "States.Timeout"}, ""),
        ({"Error": "X", "Cause": "[1]"}, "[1]"),
        ({"Error": "X", "Cause": "y" * 9_000}, "y" * 2_000),
    ],
)
def test_the_ledger_and_people_learn_of_it(error: dict[str, Any], expected: str) -> None:
    intake = Intake()
    assert handler.call(_event(error), intake.runtime) == {"outcome": "Recorded"}
    entry = intake.ledger.rows[-1]
    assert (entry.kind, entry.subject, entry.data["cause"]) == ("machine.failed", "one", expected)
    assert intake.notifier.sent[0]["subject"] == "tiny: intake failed"
    assert intake.notifier.quoting == [True], "an error may quote data"


def test_a_retry_tells_nobody_again() -> None:
    intake = Intake()
    handler.call(_event({"Error": "X"}), intake.runtime)
    assert handler.call(_event({"Error": "X"}), intake.runtime) == {"outcome": "AlreadyRecorded"}
    assert len(intake.notifier.sent) == len(intake.ledger.rows) == 1
