"""Model archives, friendly and hostile."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from trimtab.artifact import archive
from trimtab.artifact.archive import find_archive, sha256, unpack
from trimtab.errors import DataError


def archive_of(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as packed:
        for member in members:
            packed.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, size: int = 3, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    return info


@pytest.fixture(params=["with filters", "Python before 3.11.4"], autouse=True)
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without what the oldest Pythons lack; where they lack it, only without."""
    if request.param != "with filters":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


def test_an_archive_is_unpacked_and_identified(tmp_path: Path) -> None:
    packed = archive_of(tmp_path / "model.tar.gz", member("model.joblib"), member("code/inference.py"))
    found = unpack(packed, tmp_path / "out")
    assert (tmp_path / "out" / "code" / "inference.py").read_bytes() == b"xxx"
    assert (found.size_bytes, found.sha256) == (packed.stat().st_size, sha256(packed))


@pytest.mark.parametrize(
    "hostile",
    [
        lambda: member("../outside"),
        lambda: member("link", 0, tarfile.SYMTYPE, "/etc/passwd"),
        lambda: member("link", 0, tarfile.LNKTYPE, "../../outside"),
        lambda: member("device", 0, tarfile.CHRTYPE),
    ],
    ids=["parent", "symlink", "hard link", "device"],
)
def test_an_archive_that_reaches_outside_is_refused(hostile: Callable[[], tarfile.TarInfo], tmp_path: Path) -> None:
    packed = archive_of(tmp_path / "model.tar.gz", hostile())
    with pytest.raises(DataError, match="not a usable model archive"):
        unpack(packed, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_an_absolute_name_stays_inside(tmp_path: Path) -> None:
    unpack(archive_of(tmp_path / "model.tar.gz", member("/etc/passwd")), tmp_path / "out")
    assert (tmp_path / "out" / "etc" / "passwd").read_bytes() == b"xxx"


def test_an_archive_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 2)
    packed = archive_of(tmp_path / "model.tar.gz", *(member(str(number)) for number in range(3)))
    with pytest.raises(DataError, match="unpacks to more than"):
        unpack(packed, tmp_path / "out")


@pytest.mark.parametrize("body", [b"", b"no archive", b"\x1f\x8b\x08\x00truncated"])
def test_what_is_no_archive_is_named(body: bytes, tmp_path: Path) -> None:
    packed = tmp_path / "model.tar.gz"
    packed.write_bytes(body)
    with pytest.raises(DataError, match=r"model\.tar\.gz is not a usable model archive"):
        unpack(packed, tmp_path / "out")


def test_a_folder_without_an_archive_has_none(tmp_path: Path) -> None:
    assert find_archive(tmp_path) is None
    assert find_archive(tmp_path / "champion") is None
