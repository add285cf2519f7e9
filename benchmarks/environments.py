"""Python environments of the benchmark, each with the packages of one contender, kept in .cache."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "benchmarks"
LOCKS = [ROOT / "layers" / name / "requirements.txt" for name in ("runtime", "columnar")]
PEERS = {
    "pandera": ["pandera", "pandas", "pyarrow", "scipy"],
    "evidently": ["evidently", "pyarrow"],
    "great_expectations": ["great-expectations", "pyarrow"],
    "ydata_profiling": ["ydata-profiling", "pyarrow", "setuptools<81"],
    "whylogs": ["whylogs", "pandas", "pyarrow"],
}
"""What each peer needs; newest versions that install here."""


def function_python() -> Path:
    """An interpreter with exactly the packages of the Lambda layers: so no pandas."""
    return _environment("function", ["--no-deps", *(part for lock in LOCKS for part in ("-r", str(lock)))])


def peer_python(name: str) -> Path:
    """An interpreter with the peer. Raises CalledProcessError when it does not install here."""
    return _environment(name, PEERS[name])


def _environment(name: str, packages: list[str]) -> Path:
    """Made anew unless it was finished before."""
    folder = CACHE / "environments" / name
    python = folder / "bin" / "python"
    if not (folder / "finished").exists():
        shutil.rmtree(folder, ignore_errors=True)
        uv = str(Path(sys.executable).parent / "uv")
        _quietly([uv, "venv", "-q", "-p", sys.executable, str(folder)])
        _quietly([uv, "pip", "install", "-q", "--compile-bytecode", "-p", str(python), *packages])
        (folder / "finished").touch()
    return python


def _quietly(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
