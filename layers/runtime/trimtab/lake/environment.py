"""What the lake's job does before it imports anything else: it needs nothing but Python.

The kit's packages come before those of the image, for this process and for Spark's tasks alike, so that both have the
same versions. Spark itself is the image's.
"""

import importlib.util
import os
import sys
import tarfile
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from trimtab.artifact.untar import extract

MESSAGE: Final = Path("/opt/ml/output/message")
"""SageMaker makes the beginning of this file the job's ExitMessage."""


def prepare(code: Path, kit: Path) -> None:
    """The packages of the kit in the folder ``kit``, the library in ``code``, and pyspark can be imported.

    Raises SystemExit for a kit that was made for other versions of Python only.
    """
    own = [str(_unpacked(kit)), str(code)]
    sys.path[:0] = own
    home = os.environ.get("SPARK_HOME")
    if importlib.util.find_spec("pyspark") is None and home:
        spark = Path(home, "python")
        own += [str(spark), *map(str, sorted(spark.glob("lib/py4j-*.zip")))]
        sys.path += own[2:]
    os.environ["PYTHONPATH"] = os.pathsep.join(own)
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable


def _unpacked(kit: Path) -> Path:
    target = Path(tempfile.mkdtemp(prefix="kit-"))
    for archive in sorted(kit.glob("*.gz")):
        with tarfile.open(archive, "r:gz") as packed:
            extract(packed, target)
    own = target / "cp{}{}".format(*sys.version_info)
    if not own.is_dir():
        made = ", ".join(sorted(path.name for path in target.iterdir())) or "nothing"
        raise SystemExit(f"the lake's kit was made for {made}, and this image runs Python {sys.version.split()[0]}")
    return own


@contextmanager
def telling(message: Path = MESSAGE) -> Iterator[None]:
    """An error of the block is told in ``message`` before it goes on its way."""
    try:
        yield
    except (Exception, SystemExit) as error:
        if message.parent.is_dir():
            message.write_text("".join(traceback.format_exception_only(error)), encoding="utf-8")
        raise
