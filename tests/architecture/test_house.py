"""Rules of the house that a tool can check."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FUNCTION = 50
LONGEST_FILE = 400


def tracked(pattern: str = "*") -> list[Path]:
    """Files under version control, and new ones that are not ignored."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", pattern],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / line for line in listing.splitlines() if (ROOT / line).is_file()]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in tracked("*.py")
        for node in functions(path)
        if (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert not long


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    long = [str(p.relative_to(ROOT)) for p in tracked("*.py") if len(p.read_text().splitlines()) > LONGEST_FILE]
    assert not long


def test_nothing_is_called_utils() -> None:
    assert not [path for path in tracked() if path.stem in {"utils", "util", "helpers", "misc", "common"}]


@pytest.mark.parametrize("folder", sorted(p.parent.name for p in (ROOT / "functions").glob("*/handler.py")))
def test_every_function_has_a_test_of_its_name(folder: str) -> None:
    assert (ROOT / "tests" / "unit" / "functions" / f"test_{folder}.py").exists()


def test_models_fit_on_a_screen() -> None:
    for path in [*ROOT.glob("models/*/model.yaml"), *ROOT.glob("models/*/train.py")]:
        assert len(path.read_text().splitlines()) <= 60, path


def test_no_lock_names_a_registry() -> None:
    locks = [*tracked("*requirements*.txt"), *tracked("localcloud/**/*.txt"), *tracked("package-lock.json")]
    assert locks
    for path in locks:
        assert not re.search(r"--(extra-)?index-url|\"resolved\": *\"http", path.read_text()), path


def test_every_pinned_requirement_has_a_hash() -> None:
    for path in tracked("*requirements.txt"):
        text = path.read_text()
        pins = re.findall(r"^[a-zA-Z0-9._-]+==", text, re.MULTILINE)
        assert pins, path
        assert len(re.findall(r"==[^\n]*\\\n +--hash=sha256:", text)) == len(pins), path


def imported(path: Path) -> set[str]:
    """Modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_functions_import_only_the_library_and_its_models() -> None:
    handlers = tracked("functions/*.py")
    assert handlers
    allowed = {"trimtab", "pydantic", *sys.stdlib_module_names}
    for path in handlers:
        assert {name.partition(".")[0] for name in imported(path)} <= allowed, path


def test_models_know_of_the_library_what_is_for_authors() -> None:
    scripts = [*tracked("models/*.py"), *tracked("tests/fixtures/models/*.py")]
    assert scripts
    for path in scripts:
        assert {name for name in imported(path) if name.partition(".")[0] == "trimtab"} <= {"trimtab.authoring"}, path
        assert not {name.partition(".")[0] for name in imported(path)} & {"stacks", "localcloud", "cli", "demo"}, path
