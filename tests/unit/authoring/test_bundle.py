"""The source bundle: complete, and the same bytes for the same content."""

import io
import os
import re
import shutil
import tarfile
from pathlib import Path

from tests.fixtures import tiny
from trimtab.authoring.bundle import METRIC_DEFINITIONS, build_bundle


def bundle(model: Path = tiny.FOLDER) -> bytes:
    return build_bundle(model, tiny.LIBRARY, tiny.SPEC.canonical_json(), "train.py")


def members(packed: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {member.name: member for member in archive.getmembers()}


def test_the_bundle_holds_the_author_s_code_the_spec_and_the_library() -> None:
    names = set(members(bundle()))
    assert {"train.py", "evaluate.py", "model.json", "trimtab/authoring/inference.py"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith("trimtab/aws")]


def test_features_and_inference_come_along_when_the_author_has_them(tmp_path: Path) -> None:
    shutil.copyfile(tiny.FOLDER / "train.py", tmp_path / "train.py")
    (tmp_path / "features.py").write_text("TWO = 2\n")
    assert "features.py" in members(bundle(tmp_path))
    assert "inference.py" not in members(bundle(tmp_path))


def test_the_same_content_gives_the_same_bytes_wherever_and_whenever(tmp_path: Path) -> None:
    shutil.copyfile(tiny.FOLDER / "train.py", tmp_path / "train.py")
    os.utime(tmp_path / "train.py", (0, 0))
    assert bundle(tmp_path) == bundle()


def test_nothing_of_the_builder_is_in_the_bundle() -> None:
    assert {(m.uid, m.gid, m.mtime, m.mode, m.uname) for m in members(bundle()).values()} == {(0, 0, 0, 0o644, "")}


def test_a_metric_definition_finds_what_training_prints() -> None:
    definitions = {item["Name"]: item["Regex"] for item in METRIC_DEFINITIONS}
    match = re.search(definitions["train_auc"], "train_auc=0.814646\n")
    assert match
    assert float(match[1]) == 0.814646
