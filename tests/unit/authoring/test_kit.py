"""Packages that a job finds among its inputs."""

import importlib
import io
import sys
import tarfile
from pathlib import Path

import pytest

from stacks.job_kit import MODELS, _archive
from trimtab.authoring.kit import folder_name, use_kit


def kit(folder: Path, *members: str) -> Path:
    """A channel with an archive in it, named as a CDK asset is."""
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / "0a1b2c.gz", "w:gz") as packed:
        for name in members:
            member = tarfile.TarInfo(name)
            member.size = len(b"VALUE = 7\n")
            packed.addfile(member, io.BytesIO(b"VALUE = 7\n"))
    return folder


@pytest.fixture(autouse=True)
def _clean_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])


def test_packages_of_the_kit_come_after_those_of_the_image(tmp_path: Path) -> None:
    made = use_kit(kit(tmp_path / "kit", f"{folder_name()}/only_in_the_kit.py", f"{folder_name()}/json.py"))
    assert sys.path[-1] == str(made)
    assert importlib.import_module("only_in_the_kit").VALUE == 7
    assert not hasattr(importlib.import_module("json"), "VALUE")


def test_without_a_kit_nothing_changes(tmp_path: Path) -> None:
    before = [*sys.path]
    assert use_kit(tmp_path / "absent") is None
    assert use_kit(tmp_path) is None
    assert sys.path == before


def test_a_kit_for_another_python_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="made for cp399"):
        use_kit(kit(tmp_path / "kit", "cp399/x.py"))


def test_the_same_packages_make_the_same_archive_without_what_no_job_imports(tmp_path: Path) -> None:
    site = tmp_path / "cp312"
    for name in ("onnx/a.py", "onnx/backend/test/b.py", "google/protobuf/c.py", "onnxruntime/capi/libonnxruntime.so.1"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("x = 1\n")
    _archive(tmp_path, tmp_path / "one", MODELS.unused)
    (site / "onnx" / "a.py").touch()
    _archive(tmp_path, tmp_path / "two", MODELS.unused)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    with tarfile.open(tmp_path / "one") as packed:
        assert packed.getnames() == ["cp312/onnx/a.py"]
