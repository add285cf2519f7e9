"""`trimtab data`: verdicts, exit statuses, and one sentence where a command cannot be carried out."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from cli.data import find_model
from cli.drops import find_refused, refused
from cli.stage import CommandError
from tests.fakes import NOON, MemoryLedger
from tests.unit.data.samples import DATA, csv, parquet, trips
from tests.unit.functions.intake_samples import SPEC


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model and some files."""
    (tmp_path / "model.yaml").write_text(SPEC.canonical_json())
    (tmp_path / "good.parquet").write_bytes(parquet(trips()).getvalue())
    (tmp_path / "later.parquet").write_bytes(parquet(trips(miles=[99.0] * 400)).getvalue())
    (tmp_path / "semicolons.csv").write_bytes(csv(trips()).getvalue().replace(b",", b";"))
    (tmp_path / "bad.csv").write_bytes(csv(trips(stops=[99] * 400)).getvalue())
    (tmp_path / "junk.parquet").write_bytes(b"junk")
    return tmp_path


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Answer]


@pytest.fixture
def trimtab(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """`trimtab data …`, run here."""

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["trimtab", "data", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return Answer(int(left.value.code or 0), *capfd.readouterr())

    return run


@pytest.mark.parametrize(
    ("file", "verdict", "status", "rule"),
    [
        ("good.parquet", "accept", 0, None),
        ("semicolons.csv", "accept_warn", 0, "dialect"),
        ("bad.csv", "quarantine", 3, "range"),
        ("junk.parquet", "quarantine", 3, "readable"),
    ],
)
def test_a_check_says_what_the_gate_would_do(
    folder: Path, trimtab: Command, file: str, verdict: str, status: int, rule: str | None
) -> None:
    answer = trimtab("check", folder / file, "--model", folder, "--json", "--html", folder / "page.html")
    report: dict[str, Any] = json.loads(answer.stdout)
    assert (report["verdict"], answer.returncode, answer.stderr) == (verdict, status, "")
    assert [found["rule"] for found in report["findings"]] == ([rule] if rule else [])
    assert (folder / "page.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("check", "none.csv", "--model", "."), "none.csv does not exist"),
        (("check", "bad.csv", "--model", "nobody"), "no model is called 'nobody' here"),
        (("suggest", "junk.parquet"), "the file cannot be read as parquet"),
        (("suggest", "bad.csv", "--id", "nope"), "no column is called 'nope'"),
        (("diff", "good.parquet", "none.csv"), "none.csv does not exist"),
        (("diff", "junk.parquet", "good.parquet"), "cannot be read"),
        (("diff", "good.parquet", "junk.parquet"), "junk.parquet cannot be compared: the file is not readable"),
        (("check", "pipe.csv", "--model", "."), "pipe.csv is neither a file nor a folder"),
        (("check", "good.parquet", "--model", ".", "--html", "."), "Is a directory"),
        (("check", "good.parquet", "--model", ".", "--keys", "lines=."), "Is a directory"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    folder: Path, trimtab: Command, arguments: tuple[str, ...], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    os.mkfifo("pipe.csv")
    answer = trimtab(*arguments)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert sentence in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("none.csv", "--model", "."), "none.csv does not exist"),
        (("bad.csv", "--model", "nobody"), "no model is called 'nobody' here"),
        (("bad.csv", "--model", "junk.parquet"), "junk.parquet"),
        (("good.parquet", "--model", ".", "--reference", "junk.parquet"), "cannot be read"),
    ],
)
def test_the_json_of_a_check_that_could_not_be_made_accepts_nothing(
    folder: Path, trimtab: Command, arguments: tuple[str, ...], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    answer = trimtab("check", *arguments, "--json")
    report = json.loads(answer.stdout)
    (found,) = report["findings"]
    assert (answer.returncode, report["verdict"], found["rule"]) == (1, "quarantine", "not_checked")
    assert sentence in found["message"]
    assert found["message"].splitlines()[0] in answer.stderr


def test_a_file_that_goes_beyond_the_limits_is_refused_like_any_other(
    folder: Path, trimtab: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.data.SECONDS", 0.001)
    answer = trimtab("check", folder / "good.parquet", "--model", folder, "--json")
    report = json.loads(answer.stdout)
    assert (report["verdict"], answer.returncode, answer.stderr) == ("quarantine", 3, "")
    assert [found["rule"] for found in report["findings"]] == ["limits"]


def test_a_folder_where_the_contract_takes_one_object_is_refused(folder: Path, trimtab: Command) -> None:
    report = json.loads(trimtab("check", folder, "--model", folder, "--json").stdout)
    assert [found["rule"] for found in report["findings"]] == ["manifest"]


def test_tables_for_people_name_rule_and_rows(folder: Path, trimtab: Command) -> None:
    answer = trimtab("check", folder / "bad.csv", "--model", folder)
    assert "refused" in answer.stdout
    assert "400 of 400 values of 'stops' are outside 0 to 9" in answer.stdout
    assert "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …" in answer.stdout


def test_two_files_are_compared_column_by_column(folder: Path, trimtab: Command) -> None:
    drift = json.loads(trimtab("diff", folder / "good.parquet", folder / "later.parquet", "--json").stdout)["drift"]
    found = {column["column"]: column for column in drift}
    assert found["miles"]["psi"] > 1
    assert found["stops"]["psi"] == 0
    assert "miles" in trimtab("diff", folder / "good.parquet", folder / "later.parquet").stdout


def test_all_columns_but_the_id_are_compared_and_held_to_no_contract(folder: Path, trimtab: Command) -> None:
    for name, shift in (("before.csv", 0), ("after.csv", 50)):
        rows = (f"{row % 50 + shift},{row},{row % 2}" for row in range(400))
        (folder / name).write_text("size,trip_id,late\n" + "\n".join(rows) + "\n")
    answer = trimtab(
        "diff", folder / "before.csv", folder / "after.csv", "--json", "--html", page := folder / "page.html"
    )
    assert {column["column"] for column in json.loads(answer.stdout)["drift"]} == {"size", "late"}
    assert "<h1>1 column moved</h1>" in page.read_text()
    assert not [said for said in ("Would be", "breaks a rule", ">Labels<") if said in page.read_text()]


def test_a_suggestion_is_a_data_section_that_accepts_its_file(folder: Path, trimtab: Command) -> None:
    text = trimtab("suggest", folder / "semicolons.csv").stdout
    assert "csv: {delimiter: ;}" in text
    (folder / "model.yaml").write_text(f"name: tiny\n{text}training: {{entry_point: train.py}}\n")
    answer = trimtab("check", folder / "semicolons.csv", "--model", folder / "model.yaml", "--json")
    assert json.loads(answer.stdout)["verdict"] == "accept"


def test_keys_that_were_written_are_held_against(folder: Path, trimtab: Command) -> None:
    columns = DATA.model_dump()["columns"]
    columns["line"] |= {"domain": None, "references": "lines"}
    spec = SPEC.model_validate(SPEC.model_dump() | {"data": DATA.model_dump() | {"columns": columns}})
    (folder / "model.yaml").write_text(spec.canonical_json())
    (folder / "lines.csv").write_text("name,colour\nred,1\ngreen,2\n")
    trimtab("keys", folder / "lines.csv", "--column", "name", "--out", folder / "lines.json")
    answer = trimtab(
        "check", folder / "good.parquet", "--model", folder, "--keys", f"lines={folder / 'lines.json'}", "--json"
    )
    (found,) = json.loads(answer.stdout)["findings"]
    assert (found["rule"], found["values"][0]) == ("references", "blue")


def test_a_manifest_that_was_written_closes_its_folder(folder: Path, trimtab: Command) -> None:
    drop = folder / "march"
    drop.mkdir()
    assert "has no objects" in trimtab("manifest", drop).stderr
    (drop / "a.parquet").write_bytes((folder / "good.parquet").read_bytes())
    assert trimtab("manifest", drop).returncode == 0
    data = SPEC.data.model_dump(mode="json") | {"drop": "manifest"}
    (folder / "many.yaml").write_text(json.dumps(json.loads(SPEC.canonical_json()) | {"data": data}))
    assert trimtab("check", drop, "--model", folder / "many.yaml").returncode == 0
    (drop / "a.parquet").write_bytes((folder / "later.parquet").read_bytes())
    assert "wrong_part" in trimtab("check", drop, "--model", folder / "many.yaml").stdout


def test_a_model_is_found_by_its_name() -> None:
    assert find_model("flights").name == "flights"


def test_only_a_refused_drop_that_was_not_accepted_since_can_be_replayed() -> None:
    ledger = MemoryLedger()
    for kind, subject in (("drop.quarantined", "aa1"), ("drop.quarantined", "bb2"), ("drop.accepted", "aa1")):
        ledger.append(kind, subject, {"copy_uri": f"s3://drops/{subject}", "summary": ""}, NOON, "test")
    assert list(refused(ledger.rows)) == ["bb2"]
    assert find_refused(ledger.rows, "tiny", "bb").subject == "bb2"
    with pytest.raises(CommandError, match="no quarantined drop 'aa1'; there are: bb2"):
        find_refused(ledger.rows, "tiny", "aa1")


def test_a_check_imports_no_library_that_it_does_without(folder: Path) -> None:
    program = (
        "import runpy, sys\n"
        "try: runpy.run_module('cli', run_name='__main__')\n"
        "except SystemExit as left: assert not left.code, left.code\n"
        "print([name for name in ('boto3', 'pandas') if sys.modules.get(name)], file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", program, "data", "check", "good.parquet", "--model", "."]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "[]\n")
