"""A Python path like a Lambda function's: the built layers and what Lambda's runtime brings, nothing else."""

import sys
from importlib.metadata import PathDistribution, distribution
from pathlib import Path

from stacks.packaging import matching_python

BROUGHT_BY_LAMBDA = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")


def interpreter() -> Path:
    """A Python of the functions' version when the machine has one, else this one."""
    return matching_python() or Path(sys.executable)


def path_of(layers: list[Path], scratch: Path) -> list[str]:
    """Folders for sys.path. Without a matching Python, binary packages are taken from this environment instead."""
    runtime = scratch / "runtime"
    for name in BROUGHT_BY_LAMBDA:
        _link(distribution(name), runtime)
    sites = [layer / "python" for layer in layers]
    if matching_python() is not None:
        return [*map(str, sites), str(runtime)]
    overlay = scratch / "overlay"
    for site in sites:
        for metadata in sorted(site.glob("*.dist-info")):
            _replace_binary(PathDistribution(metadata), overlay)
    return [str(overlay), *map(str, sites), str(runtime)]


def _replace_binary(packaged: PathDistribution, overlay: Path) -> None:
    if "Root-Is-Purelib: false" not in (packaged.read_text("WHEEL") or ""):
        return
    own = distribution(packaged.name)
    assert own.version == packaged.version, f"{packaged.name}: layer {packaged.version}, environment {own.version}"
    _link(own, overlay)


def _link(package: object, folder: Path) -> None:
    """``folder`` holds a link to every top-level entry of an installed package."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in package.files or ():  # type: ignore[attr-defined]
        top = file.parts[0]
        if top not in ("..", "__pycache__") and not (folder / top).exists():
            (folder / top).symlink_to(package.locate_file(top))  # type: ignore[attr-defined]
