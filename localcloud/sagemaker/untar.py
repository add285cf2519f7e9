"""Archives unpacked as the platform does, by any Python from 3.11 on: nothing of them lies outside."""

import os
import tarfile
from pathlib import Path, PurePosixPath


def extract(packed: tarfile.TarFile, folder: Path) -> None:
    """Files and folders of the archive stand in ``folder``, with no owner and no mode of others.

    Raises tarfile.TarError for devices and for what leads outside. Python has that as a filter since 3.11.4 (PEP 706);
    before, links are refused altogether.
    """
    if hasattr(tarfile, "data_filter"):
        packed.extractall(folder, filter="data")
    else:
        packed.extractall(folder, [_inside(member) for member in packed])


def _inside(member: tarfile.TarInfo) -> tarfile.TarInfo:
    name = member.name.lstrip("/")
    if not (member.isreg() or member.isdir()) or ".." in PurePosixPath(name).parts:
        raise tarfile.ExtractError(f"'{member.name}' is a link or a device, or leads outside")
    member.name, member.uid, member.gid, member.uname, member.gname = name, os.getuid(), os.getgid(), "", ""
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member
