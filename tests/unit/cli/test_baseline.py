"""`trimtab baseline`: what production is held against, and a person's word on it."""

import json
from typing import Any

import pytest

from cli import baseline
from cli.errors import CommandError
from cli.stage import Stage
from tests.fakes import NOON, MemoryLedger

ME = "arn:aws:iam::123456789012:user/me"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:trimtab-dev-tiny-baseline"


def ledger() -> MemoryLedger:
    """Version 2 serves; one of its windows is broken, and one took the place of the training rows."""
    made = MemoryLedger()
    made.append("rollout.serving", "p", {}, NOON, "t", state={"champion": {"version": 2}})
    for name, version, more in (("w1", 1, {}), ("w2", 2, {}), ("w3", 2, {"schema_breaks": [{"message": "m"}]})):
        data = {"version": version, "judged": True, "max_psi": 0.5, "window": {"id": name, "rows": 1200}, **more}
        made.append("window.measured", name, data, NOON, "t")
    return made


class States:
    """Step Functions: the machine says what a test lets it say, and nobody reads its executions' data."""

    def __init__(self, held: MemoryLedger, kind: str = "", **said: Any) -> None:
        self._held, self._kind, self._said = held, kind, said
        self.started: list[dict[str, Any]] = []

    def start_execution(self, **asked: Any) -> dict[str, Any]:
        self.started.append(asked)
        if self._kind:
            self._held.append(self._kind, asked["name"], self._said, NOON, "t")
        return {"executionArn": f"{MACHINE}:{asked['name']}"}

    def describe_execution(self, executionArn: str, includedData: str) -> dict[str, str]:
        assert (executionArn.startswith(MACHINE), includedData) == (True, "METADATA_ONLY")
        return {"status": "SUCCEEDED" if self._said else "ABORTED"}

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": ME}


def deployed(monkeypatch: pytest.MonkeyPatch, kind: str = "", **said: Any) -> States:
    held = ledger()
    states = States(held, kind, **said)
    monkeypatch.setattr(Stage, "client", lambda _self, _service: states)
    monkeypatch.setattr(Stage, "model", lambda _self, _model: {"BaselineMachine": MACHINE})
    monkeypatch.setattr(Stage, "ledger", lambda _self, _model: held)
    return states


def test_it_shows_what_holds_and_which_windows_could_take_its_place() -> None:
    held = ledger()
    shown = "\n".join(baseline.in_words(baseline.seen(held), "tiny"))
    assert shown.startswith("version 2 of tiny is held against its training rows")
    assert "w1" not in shown
    assert "w2  1,200 records, largest PSI 0.500 against training" in shown
    assert "w3  1,200 records, largest PSI 0.500 against training  (broken)" in shown
    word = {"version": 2, "window": "w2", "by": ME, "reason": "it stays"}
    held.append("baseline.reconsidered", "x", word, NOON, "t")
    shown = "\n".join(baseline.in_words(baseline.seen(held), "tiny"))
    assert f"held against window w2, since {NOON.isoformat()}: {ME}: it stays" in shown


def test_a_model_that_does_not_serve_has_nothing_to_show() -> None:
    with pytest.raises(CommandError, match="no version of tiny serves"):
        baseline.seen(MemoryLedger())


def test_the_word_is_given_to_the_machine_in_the_callers_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    states = deployed(monkeypatch, "baseline.reconsidered", version=2, window="w2")
    baseline.use("tiny", "w2", reason="it stays")
    (asked,) = states.started
    word = {"model": "tiny", "window": "w2", "reason": "it stays", "by": ME}
    assert (asked["stateMachineArn"], json.loads(asked["input"])) == (MACHINE, word)
    assert "version 2 of tiny is held against window w2 from the next window on" in capsys.readouterr().out


def test_a_refusal_and_a_fault_are_the_commands_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed(monkeypatch, "baseline.refused", summary="the baseline stays: no such window")
    with pytest.raises(CommandError, match="no such window"):
        baseline.use("tiny", "w9", reason="it stays")
    deployed(monkeypatch, "machine.failed", cause="KeyUnusable")
    with pytest.raises(CommandError, match="nothing was reconsidered: KeyUnusable"):
        baseline.use("tiny", "w2", reason="it stays")
    deployed(monkeypatch)
    with pytest.raises(CommandError, match="nothing was reconsidered: the execution ABORTED"):
        baseline.use("tiny", "w2", reason="it stays")


def test_a_stack_of_before_is_to_be_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed(monkeypatch)
    monkeypatch.setattr(Stage, "model", lambda _self, _model: {})
    with pytest.raises(CommandError, match="deploy its stack"):
        baseline.use("tiny", "w2", reason="it stays")


def test_who_says_so_says_why() -> None:
    with pytest.raises(CommandError, match="say why"):
        baseline.use("tiny", "w2", reason=" ")
