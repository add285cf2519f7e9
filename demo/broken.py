"""A successor with a bug that only production shows: it answers 500 once it has served some requests."""

import io
import tarfile
from pathlib import Path

from cli import packages
from demo.scene import Scene
from trimtab.ports import Package

GOOD_ANSWERS = 150
BUG = f'''
import itertools as _itertools

_served = _itertools.count(1)
_sound_transform_fn = transform_fn


def transform_fn(*arguments):
    """Answers until its {GOOD_ANSWERS}th request, then fails: a leak that staging is too short to see."""
    if next(_served) > {GOOD_ANSWERS}:
        raise RuntimeError("out of handles")
    return _sound_transform_fn(*arguments)
'''


def register(scene: Scene, like: int) -> Package:
    """A new version: the artifact of version ``like`` with the bug built in, pending approval."""
    sound = packages.find(scene.stage, scene.model, like)
    path = scene.state_dir / "broken.tar.gz"
    path.write_bytes(with_bug(scene.stage.objects.read(sound.artifact_uri)))
    return packages.register(scene.stage, scene.model, Path(path), like)


def with_bug(artifact: bytes) -> bytes:
    """The same model.tar.gz, its inference code extended by the bug."""
    built = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(artifact)) as source, tarfile.open(fileobj=built, mode="w:gz") as target:
        for member in source.getmembers():
            body = source.extractfile(member).read() if member.isfile() else b""  # type: ignore[union-attr]
            if member.name.removeprefix("./") == "code/inference.py":
                body += BUG.encode()
                member.size = len(body)
            target.addfile(member, io.BytesIO(body))
    return built.getvalue()
