"""A dataset version for DVC: its files as they lie in the bucket, by version, without a copy.

The .dvc files are those of a remote with cloud versioning (``version_aware``): DVC pulls every file from its own key
and version, and checks its MD5. Source: DVC's guide on cloud versioning, tried with DVC 3.67.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from cli.errors import CommandError
from trimtab.datasets.parts import Parts

if TYPE_CHECKING:
    from cli.stage import Stage

REMOTE = "trimtab"
_BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Pinned:
    """One file of a dataset version."""

    folder: str
    """Below the model's: data, truth or quarantine."""
    name: str
    """Key below the folder."""
    size: int
    """Bytes."""
    md5: str
    etag: str
    version: str


def export_for_dvc(stage: Stage, model: str, digest: str, manifest: Mapping[str, Any], out: Path) -> list[Path]:
    """A .dvc file for each folder that the dataset's files lie in, and DVC's settings where there are none.

    Raises CommandError when a file is gone, is not the one that was accepted, or stands for two.
    """
    files = [pinned(stage, model, address, version, sha256) for address, version, sha256 in _objects(stage, manifest)]
    _refuse_two_of_one_name(files)
    out.mkdir(parents=True, exist_ok=True)
    written = [_write(out, folder, files, digest) for folder in sorted({file.folder for file in files})]
    bucket = manifest["sources"][0]["bucket"]
    return [*written, *_settings(out, f"s3://{bucket}/{model}")]


def _objects(stage: Stage, manifest: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Address, version and SHA-256 of every object, those of drops of many too."""
    for source in manifest["sources"]:
        if source.get("parts"):
            for part in Parts.loads(stage.objects.read(source["parts"])).parts:
                yield part.uri, part.version, part.sha256
        else:
            yield f"s3://{source['bucket']}/{source['key']}", source["version"], source["sha256"]


def pinned(stage: Stage, model: str, uri: str, version: str, sha256: str) -> Pinned:
    """The object as DVC names it; its bytes are read once, for the MD5 and to prove that they are the accepted ones."""
    info = stage.objects.head(uri, version)
    if info is None:
        raise CommandError(f"{uri} version {version} does not exist any more")
    md5, found = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with stage.objects.open(uri, version) as source:
        while block := source.read(_BLOCK):
            md5.update(block)
            found.update(block)
    if found.hexdigest() != sha256:
        raise CommandError(f"{uri} version {version} is not the file that was accepted: its SHA-256 is another")
    folder, _, name = uri.partition(f"/{model}/")[2].partition("/")
    return Pinned(folder, name, info.size, md5.hexdigest(), info.etag, version)


def _refuse_two_of_one_name(files: list[Pinned]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for file in files:
        if seen.setdefault((file.folder, file.name), file.version) != file.version:
            raise CommandError(
                f"{file.folder}/{file.name} was dropped more than once with other content, and DVC holds one version "
                "of a name: use 'trimtab datasets read' for this dataset version"
            )


def _write(out: Path, folder: str, files: list[Pinned], digest: str) -> Path:
    """The .dvc file of one folder."""
    listed = [
        {
            "relpath": file.name,
            "md5": file.md5,
            "size": file.size,
            "cloud": {REMOTE: {"etag": file.etag, "version_id": file.version}},
        }
        for file in sorted(files, key=lambda each: each.name)
        if file.folder == folder
    ]
    document = {"desc": f"Trimtab dataset {digest}", "outs": [{"path": folder, "hash": "md5", "files": listed}]}
    path = out / f"{folder}.dvc"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def _settings(out: Path, url: str) -> list[Path]:
    """A folder that is no DVC repository becomes one, outside of any version control."""
    config = out / ".dvc" / "config"
    if config.exists():
        return []
    config.parent.mkdir()
    lines = ["[core]", "    no_scm = true", f"    remote = {REMOTE}", f"['remote \"{REMOTE}\"']", f"    url = {url}"]
    config.write_text("\n".join([*lines, "    version_aware = true", ""]), encoding="utf-8")
    return [config]
