"""Python environments of the benchmark, each with the packages of one contender, pinned with hashes, kept in .cache.

    python -m benchmarks.environments

makes those of all peers (`make peers`) and says of each which version it is or why it cannot be installed.
"""

import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from stacks.kernel import put_kernel
from stacks.packaging import PackagingError

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "benchmarks"
PEER_CACHE = ROOT / ".cache" / "peers"
PEER_LOCKS = ROOT / "benchmarks" / "peers"
PEERS = ("pandera", "whylogs", "evidently", "great_expectations", "ydata_profiling", "pyspark")
"""Of the data gate, by the time they take."""
SERVING_PEERS = ("sagemaker_inference", "mlflow")
"""Of one request of one row."""
WATCHING_PEERS = ("nannyml",)
"""Of windows of what was served, beside evidently."""
ALL_PEERS = (*PEERS, "ministack", *SERVING_PEERS, *WATCHING_PEERS)
_LAYERS = [ROOT / "layers" / name / "requirements.txt" for name in ("runtime", "columnar")]


class NotInstallable(Exception):
    """Raised when packages cannot be installed here; says why."""


def function_python() -> Path:
    """An interpreter with exactly what is in the Lambda layers: so no pandas. Raises NotInstallable."""
    python = _environment(CACHE / "environments" / "function", _LAYERS, "--no-deps")
    try:
        put_kernel(platform.machine(), next(python.parent.parent.glob("lib/python*/site-packages")))
    except PackagingError as error:
        raise NotInstallable(str(error)) from error
    return python


def peer_python(name: str) -> Path:
    """An interpreter with a peer. Raises NotInstallable."""
    return _environment(PEER_CACHE / name, [PEER_LOCKS / f"{name}.txt"])


def pinned(name: str) -> str:
    """A peer and its version, as its lock says."""
    package = name.replace("_", "-")
    lines = (PEER_LOCKS / f"{name}.txt").read_text().splitlines()
    return next(line.split()[0].replace("==", " ") for line in lines if line.startswith(f"{package}=="))


def install_peers() -> None:
    """Every peer that installs here is there, and a line was printed of each."""
    for name in ALL_PEERS:
        try:
            python = peer_python(name)
        except NotInstallable as error:
            print(f"{pinned(name)}: cannot be installed here: {error}", flush=True)
        else:
            print(f"{pinned(name)}: {python.parent.parent.relative_to(ROOT)}", flush=True)


def _environment(folder: Path, locks: Sequence[Path], *options: str) -> Path:
    """Made anew unless it was finished before with the same locks."""
    python = folder / "bin" / "python"
    state = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    finished = folder / "finished"
    if not finished.exists() or finished.read_text() != state:
        uv = str(Path(sys.executable).parent / "uv")
        shutil.rmtree(folder, ignore_errors=True)
        _quietly([uv, "venv", "-q", "-p", sys.executable, str(folder)])
        wanted = [part for lock in locks for part in ("-r", str(lock))]
        install = [uv, "pip", "install", "-q", "--require-hashes", "--compile-bytecode", "-p", str(python)]
        _quietly([*install, *options, *wanted])
        finished.write_text(state)
    return python


def _quietly(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise NotInstallable(" ".join(done.stderr.split())[-200:] or f"exit status {done.returncode}")


if __name__ == "__main__":
    install_peers()
