"""Environments of clients: one for each lock file here, made once below .cache/clients/.

`python -m tests.clients.environments` makes those that are missing.
"""

import hashlib
import os
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
        subprocess.run([*_UV, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        target = ["--quiet", "--python", str(programs / "python"), "--require-hashes", "--compile-bytecode"]
        subprocess.run([*_UV, "pip", "sync", *target, str(lock)], check=True, env=_plain_environment())
        mark.touch()
    return programs


def _plain_environment() -> dict[str, str]:
    """Without make's place for bytecode: clients look for it beside the sources."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPYCACHEPREFIX"}


def main() -> None:
    """Every environment is there."""
    for lock in sorted(HERE.glob("*.txt")):
        print(environment(lock.stem))


if __name__ == "__main__":
    main()
