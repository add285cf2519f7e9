"""`trimtab validate`: the file, and the scripts that it names."""

from pathlib import Path

import pytest

from cli.validate import validate
from trimtab.errors import SpecError

SPEC = """name: bikes
data:
  id: id
  label: late
  columns: {id: {type: integer}, speed: {type: number}, late: {type: integer, domain: [0, 1]}}
training: {entry_point: train.py}
"""
CUSTOM = """features:
  rules: [{columns: [speed], steps: [{do: custom, name: squared}]}]
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text("print()\n")
    (tmp_path / "model.yaml").write_text(SPEC)
    return tmp_path / "model.yaml"


def test_a_right_file_is_summed_up(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    validate([model])
    assert "bikes: 1 features, binary, label late" in capsys.readouterr().out


def test_a_script_that_is_not_there_is_named(model: Path) -> None:
    model.with_name("train.py").unlink()
    with pytest.raises(SpecError, match=r"entry_point names train\.py, and there is no such file"):
        validate([model])


def test_a_script_that_is_no_python_is_told_with_its_line(model: Path) -> None:
    model.with_name("train.py").write_text("x = 1\nif x\n")
    with pytest.raises(SpecError, match=r"train\.py:2: expected ':'"):
        validate([model])


@pytest.mark.parametrize("source", [None, "def cubed(frame): return frame\n"])
def test_a_custom_step_that_nobody_wrote_is_named(model: Path, source: str | None) -> None:
    model.write_text(SPEC + CUSTOM)
    if source:
        model.with_name("features.py").write_text(source)
    with pytest.raises(SpecError, match="asks for the custom 'squared'"):
        validate([model])


@pytest.mark.parametrize(
    "source", ["def squared(frame): return frame\n", "from mine import squared\n", "squared = abs\n"]
)
def test_a_custom_step_may_be_defined_imported_or_assigned(model: Path, source: str) -> None:
    model.write_text(SPEC + CUSTOM)
    model.with_name("features.py").write_text(source)
    validate([model])
