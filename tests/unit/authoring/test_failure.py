"""A failed job says whose code failed, in which file and line."""

import io
import sys
import tarfile
from pathlib import Path

import pytest

from trimtab.authoring import failure
from trimtab.authoring.bundle import build_bundle
from trimtab.authoring.failure import AUTHOR, PLATFORM, run_script

SCRIPTS = {
    "own error": (
        "def fit(rows):\n    return rows['none']\n\nfit({})\n",
        f"{AUTHOR}: train.py:2 in fit: KeyError",
    ),
    "another package's": ("import json\n\njson.loads('{')\n", f"{AUTHOR}: train.py:3 in <module>: JSONDecodeError"),
    "a missing package": ("import no_such_package\n", f"{AUTHOR}: train.py:1 in <module>: ModuleNotFoundError"),
    "a typing error": ("def fit(:\n", f"{AUTHOR}: train.py:1: SyntaxError"),
    "Trimtab's": (
        "from pathlib import Path\nfrom trimtab.authoring.job import read_channel\n\nread_channel(Path('nowhere'))\n",
        f"{PLATFORM}: trimtab/authoring/job.py:",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "output").mkdir()
    return tmp_path


def fail(folder: Path, text: str) -> str:
    (folder / "train.py").write_text(text)
    told = folder / "output" / "failure"
    with pytest.raises((Exception, SystemExit)):
        run_script(folder / "train.py", told)
    return told.read_text()


@pytest.mark.parametrize(("text", "told"), SCRIPTS.values(), ids=SCRIPTS)
def test_a_failure_names_owner_file_line_and_error(folder: Path, text: str, told: str) -> None:
    assert fail(folder, text).startswith(told)


def test_an_author_s_other_module_is_the_author_s(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "rivers.py").write_text("def level():\n    return 1 / 0\n")
    monkeypatch.syspath_prepend(str(folder))
    told = fail(folder, "import rivers\n\nrivers.level()\n")
    assert told.startswith(f"{AUTHOR}: rivers.py:2 in level: ZeroDivisionError: division by zero")
    sys.modules.pop("rivers")


def test_a_long_message_is_cut_to_what_sagemaker_keeps(folder: Path) -> None:
    assert len(fail(folder, f"raise ValueError({'x' * 5000!r})\n")) < 1024


def test_a_script_that_ends_well_leaves_no_failure(folder: Path) -> None:
    (folder / "train.py").write_text("import sys\n\nsys.exit(0)\n")
    with pytest.raises(SystemExit):
        run_script(folder / "train.py", folder / "output" / "failure")
    assert not (folder / "output" / "failure").exists()


def test_by_hand_a_script_fails_as_it_would_without(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("raise RuntimeError('by hand')\n")
    with pytest.raises(RuntimeError, match="by hand"):
        run_script(tmp_path / "train.py", tmp_path / "nowhere" / "failure")


@pytest.mark.parametrize("program", ["run_training.py", "evaluate.py"])
def test_a_program_in_an_older_python_says_so_before_it_imports_anything(tmp_path: Path, program: str) -> None:
    (tmp_path / "train.py").write_text("")
    library = Path(failure.__file__).parents[1]
    bundle = build_bundle(tmp_path, library, "{}", "train.py")
    with tarfile.open(fileobj=io.BytesIO(bundle)) as archive:
        found = archive.extractfile(program)
        assert found is not None
        text = found.read().decode()
    older = text.replace("sys.version_info <", "(3, 10, 4) <")
    with pytest.raises(SystemExit, match=r"jobs need Python \(3, 11\), this image has"):
        exec(compile(older, program, "exec"), {"__file__": str(tmp_path / program)})
