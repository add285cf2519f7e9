"""`python -m localcloud`: starts the local cloud and serves until it is told to stop."""

import argparse
import os
import sys
from pathlib import Path

from localcloud import StartupError

DEFAULT_PORT = 4566


def main() -> None:
    """The local cloud has run and stopped; exit status 2, with one sentence, when it could not start."""
    given = _arguments(sys.argv[1:])
    try:
        _run(given)
    except StartupError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    # threads of moto's that wait for something must not keep the process alive
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _run(given: argparse.Namespace) -> None:
    if sys.platform != "linux":
        raise StartupError("The local cloud runs on Linux: use a Linux machine, a virtual machine or WSL 2.")
    try:
        from localcloud.server import Options, run
    except ModuleNotFoundError as error:
        if str(error.name).startswith("localcloud"):
            raise
        raise StartupError(f"{error}: run `make setup`, which installs the locked dependencies.") from error
    run(Options(given.port, given.state_dir, given.speed, given.faults, given.fresh))


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m localcloud", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes any free port (default: %(default)s)")
    parser.add_argument("--state-dir", type=Path, default=Path(".localcloud"), help="default: %(default)s")
    parser.add_argument("--speed", type=float, help="virtual seconds per real second (default: as before, at first 1)")
    parser.add_argument("--fresh", action="store_true", help="begin without the state that is kept there, set aside")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="a fault plan: what goes wrong, and when")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
