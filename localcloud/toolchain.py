"""What runs user code: interpreters and packages for Lambda runtimes and SageMaker images, made once at set-up.

`python -m localcloud.toolchain` makes them; the server only looks them up.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TOOLCHAIN_DIR = ROOT / ".toolchain"


@dataclass(frozen=True)
class LambdaRuntime:
    """An interpreter for a Lambda runtime; `exact` when it is the runtime's own Python version."""

    python: Path
    var_runtime: Path
    exact: bool
    note: str


@dataclass(frozen=True)
class Image:
    """A virtual environment that stands for a container image."""

    python: Path
    recipe: dict[str, Any]


class Toolchain:
    """Finds what `python -m localcloud.toolchain` made below `directory`."""

    def __init__(self, directory: Path = TOOLCHAIN_DIR) -> None:
        self.directory = directory

    def lambda_runtime(self, runtime: str) -> LambdaRuntime:
        """The interpreter and /var/runtime folder for a Lambda runtime such as python3.12."""
        raise LookupError(f"no toolchain for {runtime}: run `python -m localcloud.toolchain`")

    def image(self, uri: str) -> Image:
        """The environment that stands for a container image URI."""
        raise LookupError(f"no toolchain for {uri}: run `python -m localcloud.toolchain`")
