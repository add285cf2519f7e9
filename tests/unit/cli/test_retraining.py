"""`trimtab retraining`: what the ledger says of it, and a person who lets it go on."""

import json
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from cli import retraining
from cli.errors import CommandError
from cli.stage import Stage
from tests.fakes import NOON, MemoryLedger
from trimtab.recovery.status import status

ME = "arn:aws:iam::123456789012:user/me"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:trimtab-dev-tiny-recovery"


def ledger() -> MemoryLedger:
    """An alarm waits, after two trainings were refused and the machine has given up."""
    made = MemoryLedger()
    for number in range(2):
        at = NOON + timedelta(days=number)
        made.append("retrain.requested", f"e{number}", {"reason": "alarm x", "decision": []}, at, "t")
        made.append("training.leased", f"run-{number}", {"cause": "alarm"}, at, "t")
        cost = {"usd": 0.25} if number else None
        made.append("training.released", f"run-{number}", {"outcome": "Refused", "cost": cost}, at, "t")
    made.append("drop.accepted", "d", {"kind": "truth", "rows": 1200}, NOON + timedelta(days=2), "t")
    command = 'trimtab retraining resume tiny --reason "..."'
    made.append("retrain.given_up", "g", {"command": command}, NOON + timedelta(days=2), "t")
    answers = [{"question": "Is it over?", "answer": "no", "passed": False}]
    kept = {"key": "Drift", "kind": "drift", "until": "2026-01-09", "reason": "given up", "decision": answers}
    made.append("retrain.deferred", "e9", kept, NOON + timedelta(days=2), "t")
    return made


def test_the_status_says_what_is_spent_what_waits_and_what_a_person_has_to_do() -> None:
    found = status(ledger().entries(), NOON + timedelta(days=2))
    assert (found["state"], found["losses"], found["spent_usd"]) == ("given_up", 2, 0.25)
    assert (found["started"], found["unknown_costs"]) == ({"day": 0, "month": 2}, 1)
    shown = "\n".join(retraining.in_words(found, "tiny"))
    assert 'go on with: trimtab retraining resume tiny --reason "..."' in shown
    assert "1,200 labelled rows in 1 files" in shown
    assert "Drift since 2026-01-03T12:00:00+00:00 (1 times), not before 2026-01-09" in shown
    assert "NO   Is it over?  no" in shown


def test_a_model_of_which_nothing_was_decided_has_a_status_too() -> None:
    found = status([], NOON)
    assert (found["state"], found["last"]) == ("ready", None)
    assert "nothing yet" in retraining.in_words(found, "tiny")[-1]


def test_resuming_starts_the_recovery_machine_in_the_callers_name(monkeypatch: pytest.MonkeyPatch) -> None:
    access = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    clients: dict[str, Any] = {name: boto3.client(name, **access) for name in ("sts", "stepfunctions")}
    identity, states = Stubber(clients["sts"]), Stubber(clients["stepfunctions"])
    identity.add_response("get_caller_identity", {"Arn": ME, "Account": "123456789012", "UserId": "me"})
    request = {"model": "tiny", "cause": "resumed", "alarm": "", "reason": "the label was mended", "by": ME}
    asked = {"stateMachineArn": MACHINE, "name": ANY, "input": json.dumps(request)}
    states.add_response("start_execution", {"executionArn": f"{MACHINE}:1", "startDate": NOON}, asked)
    identity.activate()
    states.activate()
    monkeypatch.setattr(Stage, "client", lambda _self, service: clients[service])
    monkeypatch.setattr(Stage, "model", lambda _self, _model: {"RecoveryMachine": MACHINE})
    retraining.resume("tiny", reason="the label was mended")
    states.assert_no_pending_responses()


def test_who_resumes_says_what_was_done() -> None:
    with pytest.raises(CommandError, match="what was done"):
        retraining.resume("tiny", reason=" ")
