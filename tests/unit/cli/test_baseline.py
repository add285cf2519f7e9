"""`trimtab baseline`: what production is held against, and a person's word on it."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cli import baseline
from cli.errors import CommandError
from cli.stage import Stage
from tests.fakes import NOON, MemoryLedger

ME = "arn:aws:iam::123456789012:user/me"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:reconsider"


def ledger() -> MemoryLedger:
    """Version 2 serves; one of its windows is broken, and one took the place of the training rows."""
    made = MemoryLedger()
    made.append("rollout.serving", "p", {}, NOON, "t", state={"champion": {"version": 2}})
    for name, version, more in (("w1", 1, {}), ("w2", 2, {}), ("w3", 2, {"schema_breaks": [{"message": "m"}]})):
        data = {"version": version, "judged": True, "max_psi": 0.5, "window": {"id": name, "rows": 1200}, **more}
        made.append("window.measured", name, data, NOON, "t")
    return made


class Functions:
    """Answers as Lambda does, and keeps what it was asked."""

    def __init__(self, answer: dict[str, Any], **more: str) -> None:
        self.answer, self.more, self.asked = answer, more, dict[str, Any]()

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        self.asked = {"function": FunctionName, **json.loads(Payload)}
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode()), **self.more}

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": ME}


def deployed(monkeypatch: pytest.MonkeyPatch, functions: Functions, held: MemoryLedger) -> None:
    monkeypatch.setattr(Stage, "client", lambda _self, _service: functions)
    monkeypatch.setattr(Stage, "model", lambda _self, _model: {"ReconsiderBaseline": FUNCTION})
    monkeypatch.setattr(Stage, "ledger", lambda _self, _model: held)


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


def test_the_word_is_given_in_the_callers_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    functions = Functions({"outcome": "Reconsidered", "version": 2, "window": "w2"})
    deployed(monkeypatch, functions, ledger())
    baseline.use("tiny", "w2", reason="it stays")
    asked = functions.asked
    assert (asked["function"], asked["by"], asked["window"], asked["reason"]) == (FUNCTION, ME, "w2", "it stays")
    assert NOON <= datetime.fromisoformat(asked["at"]) <= max(NOON, datetime.now(UTC))
    assert "version 2 of tiny is held against window w2 from the next window on" in capsys.readouterr().out


def test_a_refusal_and_a_fault_are_the_commands_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed(monkeypatch, Functions({"outcome": "Refused", "reason": "no such window"}), ledger())
    with pytest.raises(CommandError, match="no such window"):
        baseline.use("tiny", "w9", reason="it stays")
    deployed(monkeypatch, Functions({"errorMessage": "KeyUnusable"}, FunctionError="Unhandled"), ledger())
    with pytest.raises(CommandError, match="broke off: KeyUnusable"):
        baseline.use("tiny", "w2", reason="it stays")


def test_who_says_so_says_why() -> None:
    with pytest.raises(CommandError, match="say why"):
        baseline.use("tiny", "w2", reason=" ")
