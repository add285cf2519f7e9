"""The code of the job that judges a table in a lake: the library, the model's spec and a program."""

from collections.abc import Iterator
from pathlib import Path

from stacks.packaging import ROOT, source_files
from trimtab.authoring.bundle import NEEDS_PYTHON, packed
from trimtab.spec import Spec

PROGRAM, SPEC_FILE = "judge_lake.py", "model.json"
JUDGE = f"""from trimtab.lake.environment import prepare, telling

code = Path(__file__).resolve().parent
with telling():
    prepare(code, Path("/opt/ml/processing/kit"))
    from trimtab.lake.processing import main

    main(code / {SPEC_FILE!r})
"""
COMMAND = (
    "/bin/sh",
    "-c",
    'code=$(mktemp -d) && tar -xzf /opt/ml/processing/code/*.gz -C "$code" && '
    f'exec "${{PYSPARK_PYTHON:-python3}}" "$code/{PROGRAM}"',
)
"""ContainerEntrypoint. AWS's image names the Python of Spark's tasks so; the first on its path has been another one."""
_LIBRARY = ROOT / "layers" / "runtime" / "trimtab"
_ELSEWHERE = ("aws", "entrypoint.py")
"""Parts of the library that need AWS's clients."""


def lake_bundle(spec: Spec) -> bytes:
    """A tar.gz, the same bytes for the same content."""
    files = {PROGRAM: (NEEDS_PYTHON + JUDGE).encode(), SPEC_FILE: spec.canonical_json().encode()}
    return packed(files | dict(_library(_LIBRARY)))


def _library(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in source_files(folder):
        name = path.relative_to(folder)
        if name.parts[0] not in _ELSEWHERE:
            yield f"{folder.name}/{name.as_posix()}", path.read_bytes()
