"""Virtual environments that stand for container images: made once at set-up, looked up by the server.

A recipe in recipes.toml says which image (repository:tag, a pattern) an environment stands for, with which Python and
which locked packages.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from localcloud.lambda_.runtimes import answers_version, find_interpreter, own_interpreter

FOLDER = Path(__file__).resolve().parent
_ASK_FOR_SETUP = "run `python -m localcloud.toolchain images` first (make setup does)"
_BYTECODE_SETTINGS = ("PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE")
_MARK = "made.json"


@dataclass(frozen=True)
class Recipe:
    """What stands for an image: `image` is a pattern of repository:tag, `python` the version that the image has."""

    name: str
    image: str
    python: str
    lock: Path
    entrypoint: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Changes with the locked packages."""
        return hashlib.sha256(self.lock.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Image:
    """A virtual environment that stands for a container image; `note` when its Python is not the image's own."""

    python: Path
    recipe: Recipe
    note: str


def recipes() -> list[Recipe]:
    """Every recipe there is."""
    tables = tomllib.loads((FOLDER / "recipes.toml").read_text())
    return [
        Recipe(name, table["image"], table["python"], FOLDER / table["lock"], tuple(table["training"]))
        for name, table in tables.items()
    ]


def find_image(directory: Path, uri: str) -> Image:
    """The environment that set-up made for an image URI. Raises LookupError with what to do when there is none."""
    repository_and_tag = uri.rpartition("/")[2]
    known = recipes()
    for recipe in known:
        if fnmatchcase(repository_and_tag, recipe.image):
            return _made(directory, recipe)
    patterns = ", ".join(recipe.image for recipe in known)
    raise LookupError(f"The local cloud has no stand-in for the image {uri}; it has {patterns}.")


def make_image(directory: Path, recipe: Recipe) -> Image:
    """`find_image` finds the image, with its own Python version when this machine has it, else the server's."""
    folder = directory / recipe.name
    if not _is_current(folder, recipe):
        shutil.rmtree(folder, ignore_errors=True)
        python = find_interpreter(recipe.python) or own_interpreter()
        _install(python, recipe, folder)
        mark = {"lock": recipe.digest, "version": answers_version(folder / "bin" / "python")}
        (folder / _MARK).write_text(json.dumps(mark))
    return _made(directory, recipe)


def _made(directory: Path, recipe: Recipe) -> Image:
    folder = directory / recipe.name
    if not _is_current(folder, recipe):
        raise LookupError(f"The stand-in for the image {recipe.image} is not set up: {_ASK_FOR_SETUP}.")
    version = json.loads((folder / _MARK).read_text())["version"]
    note = (
        ""
        if version == recipe.python
        else f"No Python {recipe.python} was found on this machine: the image {recipe.image} runs with {version} here."
    )
    return Image(folder / "bin" / "python", recipe, note)


def _is_current(folder: Path, recipe: Recipe) -> bool:
    mark = folder / _MARK
    if not mark.is_file() or not os.access(folder / "bin" / "python", os.X_OK):
        return False
    return bool(json.loads(mark.read_text())["lock"] == recipe.digest)


def _install(python: Path, recipe: Recipe, folder: Path) -> None:
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", str(python), str(folder)], check=True)
    target = ["--python", str(folder / "bin" / "python"), "--no-deps", "--require-hashes", "--compile-bytecode"]
    # compiled beside the sources: containers see this folder and nothing of the caller's environment
    beside = {name: value for name, value in os.environ.items() if name not in _BYTECODE_SETTINGS}
    subprocess.run([*uv, "pip", "install", "--quiet", *target, "-r", str(recipe.lock)], check=True, env=beside)
