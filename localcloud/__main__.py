"""`python -m localcloud`: starts the local cloud and serves until it is told to stop."""

import argparse
import os
import sys
from pathlib import Path

from localcloud import StartupError
from localcloud.server import Options, run


def main() -> None:
    """The local cloud has run and stopped; exit status 2, with one sentence, when it could not start."""
    options = _options(sys.argv[1:])
    try:
        run(options)
    except StartupError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        print(f"{error}: install the project's locked dependencies first (make setup).", file=sys.stderr)
        sys.exit(2)
    # threads of moto's that wait for something must not keep the process alive
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _options(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="python -m localcloud", description=__doc__)
    parser.add_argument("--port", type=int, default=Options.port, help="0 takes any free port (default: %(default)s)")
    parser.add_argument("--state-dir", type=Path, default=Options.state_dir, help="default: %(default)s")
    parser.add_argument("--speed", type=float, default=Options.speed, help="virtual seconds per real second")
    parser.add_argument("--no-iam", dest="iam", action="store_false", help="let every request through")
    given = parser.parse_args(arguments)
    return Options(given.port, given.state_dir, given.speed, given.iam)


if __name__ == "__main__":
    main()
