"""Interpreters and /var/runtime folders for Lambda runtimes: made once at set-up, looked up by the server.

A folder holds AWS's runtime client (awslambdaric) and boto3 in the versions of localcloud/runtimes/<runtime>.txt, with
bytecode, so that the start of a function is spent on the function's own imports.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

LOCKS = Path(__file__).resolve().parent.parent / "runtimes"
OWN_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
_PRINT_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
_PROBE_SECONDS = 20
STANDS_IN = {"python3.13": "python3.12"}  # the CDK's own functions ask for 3.13, for code that runs with either
_ASK_FOR_SETUP = "run `python -m localcloud.toolchain lambda` first (make setup does)"


@dataclass(frozen=True)
class LambdaRuntime:
    """An interpreter for a Lambda runtime; `exact` when it is the runtime's own Python version."""

    python: Path
    var_runtime: Path
    exact: bool
    note: str
    version: str


def supported_runtimes() -> list[str]:
    """The runtimes that have a lock file."""
    return sorted(path.stem for path in LOCKS.glob("python3.*.txt"))


def find_runtime(directory: Path, runtime: str) -> LambdaRuntime:
    """The interpreter and folder that set-up made. Raises LookupError with what to do when there are none."""
    base = STANDS_IN.get(runtime, runtime)
    made = _made(directory, base, _lock(base), _choice_file(directory, base))
    return made if base == runtime else replace(made, exact=False, note=_difference(runtime, made.version))


def own_runtime(directory: Path, runtime: str) -> LambdaRuntime:
    """The same with the server's own interpreter, for packages that only its environment has. Raises LookupError."""
    runtime = STANDS_IN.get(runtime, runtime)
    made = _made(directory, runtime, _lock(runtime), directory / f"{runtime}-own.json")
    if made.version != OWN_VERSION:
        raise LookupError(f"The Lambda runtime {runtime} was set up by Python {made.version}: {_ASK_FOR_SETUP}.")
    return made


def make_runtime(directory: Path, runtime: str) -> LambdaRuntime:
    """`find_runtime` finds the runtime, with its own Python version when this machine has it, else the server's."""
    python = find_interpreter(runtime.removeprefix("python")) or own_interpreter()
    made = _make(directory, runtime, python, _choice_file(directory, runtime))
    _make(directory, runtime, own_interpreter(), directory / f"{runtime}-own.json")
    return made


def find_interpreter(version: str) -> Path | None:
    """An interpreter of this version on this machine that really answers with it; shims may exist and fail."""
    return next((path for path in _candidates(version) if answers_version(path) == version), None)


def own_interpreter() -> Path:
    """The interpreter below the server's virtual environment, without that environment's packages."""
    return Path(sys.base_exec_prefix) / "bin" / f"python{OWN_VERSION}"


def answers_version(python: Path) -> str | None:
    """The version that an interpreter says it has; None when it does not run."""
    command = [str(python), "-I", "-S", "-c", _PRINT_VERSION]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _candidates(version: str) -> Iterator[Path]:
    if version == OWN_VERSION:
        yield own_interpreter()
    name = f"python{version}"
    for folder in os.get_exec_path():
        path = Path(folder) / name
        if os.access(path, os.X_OK):
            yield path
    homes = [os.environ.get("PYENV_ROOT", "~/.pyenv") + f"/versions/{version}.*"]
    homes.append(os.environ.get("UV_PYTHON_INSTALL_DIR", "~/.local/share/uv/python") + f"/cpython-{version}.*")
    for pattern in homes:
        place = Path(pattern).expanduser()
        yield from sorted(place.parent.glob(f"{place.name}/bin/{name}"), reverse=True)


def _lock(runtime: str) -> Path:
    lock = LOCKS / f"{runtime}.txt"
    if not lock.is_file():
        known = ", ".join(sorted([*supported_runtimes(), *STANDS_IN]))
        raise LookupError(f"The local cloud does not run the Lambda runtime {runtime}; it runs {known}.")
    return lock


def _choice_file(directory: Path, runtime: str) -> Path:
    return directory / f"{runtime}.json"


def _made(directory: Path, runtime: str, lock: Path, choice_file: Path) -> LambdaRuntime:
    if not choice_file.is_file():
        raise LookupError(f"The Lambda runtime {runtime} is not set up: {_ASK_FOR_SETUP}.")
    choice = json.loads(choice_file.read_text())
    python = Path(choice["python"])
    if choice["lock"] != _digest(lock) or not os.access(python, os.X_OK):
        raise LookupError(f"The Lambda runtime {runtime} was set up with other versions: {_ASK_FOR_SETUP}.")
    version = choice["version"]
    exact = runtime == f"python{version}"
    note = "" if exact else _difference(runtime, version)
    return LambdaRuntime(python.resolve(), directory / f"{runtime}-{version}", exact, note, version)


def _difference(runtime: str, version: str) -> str:
    return (
        f"No {runtime.replace('python', 'Python ')} was found on this machine: functions with the runtime {runtime} "
        f"run with Python {version} here."
    )


def _make(directory: Path, runtime: str, python: Path, choice_file: Path) -> LambdaRuntime:
    lock = _lock(runtime)
    version = answers_version(python)
    folder = directory / f"{runtime}-{version}"
    mark = folder.with_name(f"{folder.name}.lock")
    if not folder.is_dir() or not mark.is_file() or mark.read_text() != _digest(lock):
        mark.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _install(python, lock, folder)
        mark.write_text(_digest(lock))
    choice_file.write_text(json.dumps({"python": str(python), "version": version, "lock": _digest(lock)}))
    return _made(directory, runtime, lock, choice_file)


def _install(python: Path, lock: Path, folder: Path) -> None:
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(folder)]
    options = ["--python", str(python), "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(lock)]
    subprocess.run([*install, *options], check=True)
    compile_all = [str(python), "-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compile_all, str(folder)], check=True)


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()
