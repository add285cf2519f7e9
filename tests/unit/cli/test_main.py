"""`bin/trimtab` as a process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.commands import COMMANDS, load

TRIMTAB = Path(__file__).resolve().parents[3] / "bin" / "trimtab"
PROGRAM = """
import json, sys
from cli import without_pandas
without_pandas.install()
from cli import __main__ as trimtab
try:
    trimtab.main()
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
HEAVY = {"boto3", "botocore", "jinja2", "numpy", "pandas", "pyarrow", "pydantic", "requests", "urllib3", "yaml"}


def imported(*arguments: str) -> set[str]:
    """Modules that a command has imported by its end."""
    path = [str(TRIMTAB.parents[1]), str(TRIMTAB.parents[1] / "layers" / "runtime")]
    program = f"import sys; sys.path[:0] = {path}; sys.argv = ['trimtab', *{list(arguments)}]\n{PROGRAM}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def nouns(modules: set[str]) -> set[str]:
    known = {entry.module for entry in COMMANDS.values()}
    return {name for name in modules if name in known}


def test_the_command_starts_and_brings_pyarrow_without_pandas(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,name\n1,a\n2,b\n")
    done = subprocess.run([TRIMTAB, "data", "suggest", tmp_path / "rows.csv"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "name" in done.stdout


def test_help_imports_no_command() -> None:
    modules = imported("--help")
    assert nouns(modules) == set()
    assert not modules & HEAVY


def test_a_check_imports_nothing_that_talks_to_aws(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,name\n1,a\n2,b\n")
    modules = imported("data", "check", str(tmp_path / "rows.csv"), "--model", "tests/fixtures/models/tiny")
    assert nouns(modules) == {"cli.data"}
    assert not modules & {"boto3", "botocore", "pandas", "requests", "urllib3"}


@pytest.mark.parametrize("word", COMMANDS)
def test_every_command_is_what_help_says_of_it(word: str) -> None:
    command = load(word)
    assert command.name == word
    if command.help:
        assert command.help.startswith(COMMANDS[word].help.rstrip("."))


def test_a_group_has_its_own_commands_and_no_options_of_the_shell() -> None:
    done = subprocess.run([TRIMTAB, "data", "--help"], capture_output=True, text=True, check=True)
    assert "suggest" in done.stdout
    assert "completion" not in done.stdout


def test_a_word_that_is_no_command_is_told_so() -> None:
    done = subprocess.run([TRIMTAB, "driop"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "'drop'" in done.stderr + done.stdout
