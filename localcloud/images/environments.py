"""Virtual environments that stand for container images: made once at set-up, looked up by the server.

A recipe in recipes.toml says which image (repository:tag, a pattern) an environment stands for, with which Python and
which locked packages. Files of the same form, named in LOCALCLOUD_IMAGES, add images of one's own.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from localcloud.lambda_.runtimes import answers_version, find_interpreter, own_interpreter

FOLDER = Path(__file__).resolve().parent
VARIABLE = "LOCALCLOUD_IMAGES"
"""Files with further recipes, separated as in PATH."""
_ASK_FOR_SETUP = "run `python -m localcloud.toolchain images` first (make setup does)"
_ASK_FOR_MORE = "run `python -m localcloud.toolchain optional-images` first (it is large, so make setup does not)"
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
    """What it starts for a training job; nothing for an image that trains nothing."""
    environment: Mapping[str, str]
    """Variables that the image sets; ``{packages}`` stands for where its packages lie."""
    optional: bool

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

    @property
    def environment(self) -> dict[str, str]:
        """Variables that the image sets."""
        packages = next(self.python.parents[1].glob("lib/python*/site-packages"))
        return {name: value.replace("{packages}", str(packages)) for name, value in self.recipe.environment.items()}


def own_files() -> tuple[Path, ...]:
    """The files with recipes that this process's environment names."""
    return tuple(Path(each) for each in os.environ.get(VARIABLE, "").split(os.pathsep) if each)


def recipes(own: Sequence[Path] = ()) -> list[Recipe]:
    """Every recipe there is: those of the files ``own`` first, whose locks lie beside them.

    Raises LookupError for a file that cannot be read.
    """
    return [recipe for file in (*own, FOLDER / "recipes.toml") for recipe in _recipes_in(file)]


def _recipes_in(file: Path) -> list[Recipe]:
    try:
        return [_recipe(name, table, file.parent) for name, table in tomllib.loads(file.read_text()).items()]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise LookupError(f"{file}, which {VARIABLE} names, holds no recipes of images: {error!r}") from error


def _recipe(name: str, table: Mapping[str, Any], folder: Path) -> Recipe:
    return Recipe(
        name=name,
        image=table["image"],
        python=table["python"],
        lock=folder / table["lock"],
        entrypoint=tuple(table.get("training", ())),
        environment=dict(table.get("environment", {})),
        optional=bool(table.get("optional", False)),
    )


def find_image(directory: Path, uri: str, own: Sequence[Path] = ()) -> Image:
    """The environment that set-up made for an image URI. Raises LookupError with what to do when there is none."""
    repository_and_tag = uri.rpartition("/")[2]
    known = recipes(own)
    for recipe in known:
        if fnmatchcase(repository_and_tag, recipe.image):
            return _made(directory, recipe)
    patterns = ", ".join(recipe.image for recipe in known)
    raise LookupError(
        f"The local cloud has no stand-in for the image {uri}; it has {patterns}. "
        f"One of your own is described in a file that {VARIABLE} names."
    )


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
        advice = _ASK_FOR_MORE if recipe.optional else _ASK_FOR_SETUP
        raise LookupError(f"The stand-in for the image {recipe.image} is not set up: {advice}.")
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
