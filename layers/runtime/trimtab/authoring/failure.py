"""Whose code a failed job failed in, and in which line: said in the job's failure file, which SageMaker reads.

Of a traceback only frames of the author's folder and of this library count; the innermost of them is where it failed.
An error that a third package raises thus belongs to whoever called it.
"""

import runpy
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

AUTHOR, PLATFORM = "your code", "Trimtab's code"
TRAINING_FAILURE = Path("/opt/ml/output/failure")
"""SageMaker makes the beginning of this file the training job's FailureReason."""
PROCESSING_MESSAGE = Path("/opt/ml/output/message")
"""The same for a processing job's ExitMessage."""
LONGEST = 900
"""SageMaker keeps 1,024 characters, its own words among them."""
_LIBRARY = Path(__file__).resolve().parents[1]


def run_script(script: Path, failure: Path = TRAINING_FAILURE) -> None:
    """The author's script has run as a program; when it failed, ``failure`` says where."""
    with attributed(script.resolve().parent, failure):
        runpy.run_path(str(script), run_name="__main__")


@contextmanager
def attributed(author: Path, failure: Path) -> Iterator[None]:
    """An error of the block is told in ``failure`` and on stderr before it goes on its way."""
    try:
        yield
    except (Exception, SystemExit) as error:
        if not (isinstance(error, SystemExit) and error.code in (None, 0)):
            _tell(explain(error, author), failure)
        raise


def explain(error: BaseException, author: Path) -> str:
    """One line: whose code, file and line, function, error. ``author`` is the folder of the author's files."""
    if isinstance(error, SyntaxError) and error.filename and _within(error.filename, author):
        where = f"{AUTHOR}: {_short(error.filename, author)}:{error.lineno}"
        return f"{where}: {type(error).__name__}: {error.msg}"[:LONGEST]
    found = [(frame, _owner(frame.filename, author)) for frame in traceback.extract_tb(error.__traceback__)]
    ours = [(frame, owner) for frame, owner in found if owner]
    what = " ".join(str(error).split()) or "no message"
    if not ours:
        return f"{PLATFORM}: {type(error).__name__}: {what}"[:LONGEST]
    frame, owner = ours[-1]
    where = f"{owner}: {_short(frame.filename, author)}:{frame.lineno} in {frame.name}"
    return f"{where}: {type(error).__name__}: {what}"[:LONGEST]


def _owner(filename: str, author: Path) -> str:
    if _within(filename, _LIBRARY) or _within(filename, author / _LIBRARY.name):
        return PLATFORM
    return AUTHOR if _within(filename, author) else ""


def _within(filename: str, folder: Path) -> bool:
    return Path(filename).resolve().is_relative_to(folder.resolve())


def _short(filename: str, author: Path) -> str:
    path = Path(filename).resolve()
    base = author.resolve() if path.is_relative_to(author.resolve()) else _LIBRARY.parent
    return path.relative_to(base).as_posix()


def _tell(text: str, failure: Path) -> None:
    print(text, file=sys.stderr, flush=True)
    if failure.parent.is_dir():  # not where a person runs the script by hand
        failure.write_text(text + "\n", encoding="utf-8")
