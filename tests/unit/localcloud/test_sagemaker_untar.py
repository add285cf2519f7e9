"""Archives of jobs and models, friendly and hostile, by old and new Pythons."""

import io
import tarfile
from pathlib import Path

import pytest

from localcloud.sagemaker.untar import extract


@pytest.fixture(params=["with filters", "Python before 3.11.4"], autouse=True)
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "with filters":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


def opened(*members: tarfile.TarInfo) -> tarfile.TarFile:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as packed:
        for member in members:
            packed.addfile(member, io.BytesIO(b"x" * member.size))
    made.seek(0)
    return tarfile.open(fileobj=made)


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    info.size = 3 if kind == tarfile.REGTYPE else 0
    return info


def test_files_lie_in_the_folder_and_keep_only_whether_they_may_be_run(tmp_path: Path) -> None:
    extract(opened(member("code/run.sh", mode=0o4755), member("/model.json", mode=0o666)), tmp_path)
    assert (tmp_path / "code" / "run.sh").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "model.json").stat().st_mode & 0o7777 == 0o644


@pytest.mark.parametrize(
    "hostile",
    [
        member("../outside"),
        member("inside/../../outside"),
        member("link", tarfile.SYMTYPE, "/etc/passwd"),
        member("link", tarfile.LNKTYPE, "../../outside"),
        member("device", tarfile.CHRTYPE),
    ],
    ids=["parent", "parent in the middle", "symlink", "hard link", "device"],
)
def test_what_leads_outside_is_refused(hostile: tarfile.TarInfo, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with pytest.raises(tarfile.TarError):
        extract(opened(hostile), folder)
    assert not [path for path in tmp_path.rglob("*") if path != folder]
