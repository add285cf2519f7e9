from pathlib import Path

import pytest

from stacks import validate
from stacks.synthesis import Template


def _machine(definition: str) -> dict[str, Template]:
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": definition}}
    return {"stack": {"Resources": {"Machine": machine}}}


def test_a_machine_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    lost = _machine('{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Nowhere"}}}')
    assert validate._validate(tmp_path, lost) != 0


def test_a_machine_that_ends_is_accepted(tmp_path: Path) -> None:
    fine = _machine('{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}')
    assert validate._validate(tmp_path, fine) == 0


def test_a_template_with_an_unknown_property_is_refused(tmp_path: Path) -> None:
    queue = '{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"Colour": "red"}}}}'
    (tmp_path / "stack.template.json").write_text(queue)
    assert validate._lint(tmp_path, {"stack": {}}) != 0


def test_a_tool_that_was_killed_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDK_VALIDATION", "false")
    monkeypatch.setattr(validate, "synthesize", lambda *_arguments, **_keywords: {})
    monkeypatch.setattr(validate, "_lint", lambda *_arguments: -9)
    monkeypatch.setattr(validate, "_validate", lambda *_arguments: 0)
    assert validate.main([]) == 1
