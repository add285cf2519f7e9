"""The source bundle of a model's jobs: one archive, the same bytes for the same content."""

import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

from trimtab.authoring.names import METRICS, OBJECTIVE, PROGRAM, SPEC_FILE

LIBRARY_PARTS = ("__init__.py", "errors.py", "measures.py", "artifact", "authoring", "data", "evaluation", "features")
"""What jobs need of the library. AWS's image has no pydantic, so spec and contracts stay out."""
AUTHOR_FILES = ("features.py", "inference.py")
OLDEST_PYTHON = (3, 11)
NEEDS_PYTHON = f"""import sys
from pathlib import Path

if sys.version_info < {OLDEST_PYTHON}:
    told = f"Trimtab's code: jobs need Python {{{OLDEST_PYTHON}}}, this image has {{sys.version_info[:3]}}"
    for file in (Path("/opt/ml/output/failure"), Path("/opt/ml/output/message")):
        if file.parent.is_dir():
            file.write_text(told)
    sys.exit(told)

"""
"""How each program of a job begins: in an older Python it ends at once and says why, before anything is imported."""
EVALUATE = """import os

# one thread of linear algebra: two scorers run beside it, and threads that wait for each other burn their time
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
from trimtab.authoring.failure import PROCESSING_MESSAGE, attributed

code = Path(__file__).resolve().parent
with attributed(code, PROCESSING_MESSAGE):
    from trimtab.evaluation.job import main

    main(code)
"""
TRAIN = """from trimtab.authoring.failure import run_script

run_script(Path(__file__).with_name({entry_point!r}))
"""
EVALUATE_COMMAND = (
    "/bin/sh",
    "-c",
    'code=$(mktemp -d) && tar -xzf /opt/ml/processing/code/*.gz -C "$code" && exec python3 "$code/evaluate.py"',
)
"""ContainerEntrypoint of the evaluation job: the bundle comes as an archive and is unpacked first."""
TRAINING_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Environment of the training job: waiting threads sleep. Spinning ones take the processor from those that work, and
on a busy machine that made scikit-learn's boosting ten times as slow."""
METRIC_DEFINITIONS = tuple({"Name": name, "Regex": f"{name}=([-+0-9.eE]+)"} for name in (*METRICS, OBJECTIVE))
"""MetricDefinitions of the training job: what ``trimtab.authoring.train`` prints."""


def build_bundle(model: Path, library: Path, spec_json: str, entry_point: str) -> bytes:
    """A tar.gz with the author's files, the jobs' programs, model.json and the library's part for jobs.

    ``model`` is the author's folder, ``library`` the package folder trimtab, ``spec_json`` the canonical spec.
    Names are sorted and owners, times and modes fixed, so equal content gives equal bytes.
    """
    files = {
        entry_point: (model / entry_point).read_bytes(),
        "evaluate.py": (NEEDS_PYTHON + EVALUATE).encode(),
        PROGRAM: (NEEDS_PYTHON + TRAIN.format(entry_point=entry_point)).encode(),
        SPEC_FILE: spec_json.encode(),
    }
    files |= {name: (model / name).read_bytes() for name in AUTHOR_FILES if (model / name).exists()}
    files |= {f"{library.name}/{name}": body for name, body in _library_files(library)}
    return packed(files)


def _library_files(library: Path) -> Iterator[tuple[str, bytes]]:
    for part in LIBRARY_PARTS:
        path = library / part
        for file in [path] if path.is_file() else path.rglob("*.py"):
            yield file.relative_to(library).as_posix(), file.read_bytes()


def packed(files: dict[str, bytes]) -> bytes:
    """A tar.gz of the files by name, the same bytes for the same content."""
    archived = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=archived, mode="wb", mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o644
            archive.addfile(member, io.BytesIO(files[name]))
    return archived.getvalue()
