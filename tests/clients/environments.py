"""Environments of clients: one for each lock file here, made once below .cache/clients/.

`python -m tests.clients.environments` makes those that are missing.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "clients"
_UV = (sys.executable, "-m", "uv")


def environment(client: str) -> Path:
    """The folder of programs of the client's environment, which holds exactly what its lock says."""
    lock = HERE / f"{client}.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = CACHE / f"{client}-{version}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    programs, mark = folder / "bin", folder / "made"
    if not mark.exists():
        for stale in CACHE.glob(f"{client}-{version}-*"):
            shutil.rmtree(stale)
        subprocess.run([*_UV, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        target = ["--quiet", "--python", str(programs / "python"), "--require-hashes"]
        subprocess.run([*_UV, "pip", "sync", *target, str(lock)], check=True)
        mark.touch()
    return programs


def main() -> None:
    """Every environment is there."""
    for lock in sorted(HERE.glob("*.txt")):
        print(environment(lock.stem))


if __name__ == "__main__":
    main()
