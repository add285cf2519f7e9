"""`trimtab drift`: what moved, how the model performs, and what was done, from the ledger and the windows' files."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli import drift
from cli.errors import CommandError
from cli.stage import Stage
from tests.unit.reports.alarmed import BEGAN, DRIFT, PAGE, STACK, CloudWatch
from tests.unit.reports.monitored import monitored, seen
from trimtab.aws.alarm_reader import CloudWatchAlarmReader
from trimtab.monitoring.alarms import lately
from trimtab.reports.monitoring_page import monitoring_page
from trimtab.reports.monitoring_seen import reader, see
from trimtab.reports.monitoring_words import RUNBOOKS, sentences

ROOT = Path(__file__).parents[3]


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = monitored().scene
    monkeypatch.setattr(Stage, "ledger", lambda _self, _model: scene.ledger)
    monkeypatch.setattr(Stage, "objects", scene.objects)
    monkeypatch.setattr(Stage, "data", {"CapturesBucket": "captures"})
    monkeypatch.setattr(Stage, "client", lambda _self, _service: CloudWatch())


def shown(column: str = "") -> str:
    console = Console(width=170, record=True, force_terminal=False)
    drift.show(seen(), column, console)
    return console.export_text()


def test_the_newest_verdict_names_the_column_that_moved_with_its_limit_and_since_when() -> None:
    window = seen().newest
    assert window is not None
    assert window.drifted == ["x"]
    (moved,) = [said for said in sentences(seen()) if said.about == "moved"]
    assert f"x: PSI {window.drift['columns']['x']:.3f} ± " in moved.text
    assert "limit 0.25" in moved.text
    assert moved.text.endswith(f"since {window.label}")


def test_the_heat_map_marks_what_moved_and_leaves_what_did_not() -> None:
    states = [cell.state for cell in seen().cells("x")], [cell.state for cell in seen().cells("kind")]
    assert states == (["within", "moved"], ["within", "within"])
    line = next(line for line in shown().splitlines() if line.startswith("x ") and "!" in line)
    assert line.count("!") == 1


def test_performance_stands_beside_its_coverage_where_truth_came() -> None:
    calm, _ = seen().windows
    assert calm.quality is not None
    text = shown()
    assert "100.0%" in text
    assert "no truth yet" in text
    assert f"{calm.quality['metrics']['auc']:.4g}" in text


def test_what_was_decided_is_told_with_its_reason() -> None:
    assert "▲ asked for training" in shown()
    assert "retraining asked for: <drift>" in shown()


def test_what_is_bad_comes_with_a_runbook_that_exists() -> None:
    (said,) = [said.text for said in sentences(seen()) if said.about == "to do"]
    assert "docs/runbooks/drift-and-quality.md" in said
    assert said.endswith("trimtab retraining status tiny")
    assert all((ROOT / "docs/runbooks" / f"{page}.md").is_file() for page in RUNBOOKS.values())


def test_a_column_is_shown_as_shares_of_both_sides() -> None:
    lines = shown("x").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("x in the window"))
    assert any("10.0%" in line and "0.0%" in line for line in lines[start:])


def test_programs_get_everything(deployed: None, capsys: pytest.CaptureFixture[str]) -> None:
    drift.drift("tiny", as_json=True)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [window["cells"]["x"]["state"] for window in found["windows"]] == ["within", "moved"]
    assert found["windows"][1]["report"]["columns"][0]["bins"]["labels"]
    assert found["acts"][-1]["decision"][0]["answer"] == "yes: drift"
    assert [(turn["alarm"], turn["after"]) for turn in found["alarms"]] == [
        (DRIFT, "ALARM"),
        (DRIFT, "OK"),
        (PAGE, "ALARM"),
    ]


def test_alarms_are_told_with_how_long_they_rang_and_at_what_reading(
    deployed: None, capsys: pytest.CaptureFixture[str]
) -> None:
    drift.drift("tiny")
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "2026-01-01 13:00 drift until 2026-01-01 16:00, at 0.41" in lines
    assert "2026-01-01 13:00 page rings still, at 0.41" in lines


def test_the_page_of_the_last_run_is_named_once_there_is_one(
    deployed: None, capsys: pytest.CaptureFixture[str]
) -> None:
    drift.drift("tiny")
    assert "page:" not in capsys.readouterr().out
    production = monitored()
    production.call("publish_page")
    drift.drift("tiny")
    assert "the last run's page: s3://captures/tiny/reports/monitoring.html" in capsys.readouterr().out
    production.scene.objects.delete("s3://captures/tiny/reports/monitoring.html")


def test_the_page_is_written_where_it_is_asked_for(
    deployed: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drift.drift("tiny", html=tmp_path / "tiny.html")
    turns = lately(CloudWatchAlarmReader(CloudWatch()), STACK, BEGAN)
    assert (tmp_path / "tiny.html").read_bytes() == monitoring_page(replace(seen(), turns=turns))
    assert "1 moved" in capsys.readouterr().out


def test_fewer_windows_are_the_newest(deployed: None, capsys: pytest.CaptureFixture[str]) -> None:
    drift.drift("tiny", windows=1, as_json=True)
    (window,) = json.loads(capsys.readouterr().out)["windows"]
    assert window["cells"]["x"]["state"] == "moved"


def test_a_column_that_is_not_there_is_refused_with_those_that_are(deployed: None) -> None:
    with pytest.raises(CommandError, match="measured are: x, kind"):
        drift.drift("tiny", column="z")


def test_without_the_files_of_a_window_the_ledger_is_enough() -> None:
    scene = monitored().scene
    found = see("tiny", scene.ledger.entries(), reader(_nothing))
    assert [cell.state for cell in found.cells("x")] == ["unknown", "moved"]
    with pytest.raises(CommandError, match="not kept"):
        drift.show(found, "x", Console(file=None, width=170, quiet=True))


def _nothing(uri: str) -> bytes:
    raise FileNotFoundError(uri)


def test_a_model_that_was_never_measured_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    drift.show(see("tiny", []), "", Console(width=170))
    assert "no window was measured yet" in capsys.readouterr().out
