"""What runs user code: interpreters and packages for Lambda runtimes and SageMaker images, made once at set-up.

`python -m localcloud.toolchain [PART ...]` makes them (lambda and images without an argument); the server only looks
them up. The part optional-images is for images that are large and that few need.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from localcloud.images import environments
from localcloud.images.environments import Image
from localcloud.lambda_ import runtimes
from localcloud.lambda_.runtimes import LambdaRuntime

ROOT = Path(__file__).resolve().parent.parent
TOOLCHAIN_DIR = ROOT / ".toolchain"
_USUAL = ("lambda", "images")

__all__ = ["ROOT", "TOOLCHAIN_DIR", "Image", "LambdaRuntime", "Toolchain"]


class Toolchain:
    """Finds what `python -m localcloud.toolchain` made below `directory`."""

    def __init__(self, directory: Path = TOOLCHAIN_DIR) -> None:
        self.directory = directory
        self._own_images = environments.own_files()

    def lambda_runtime(self, runtime: str) -> LambdaRuntime:
        """The interpreter and /var/runtime folder for a Lambda runtime such as python3.12.

        Raises LookupError, saying what to do, when the runtime is unknown or not set up.
        """
        return runtimes.find_runtime(self._lambda_directory, runtime)

    def own_lambda_runtime(self, runtime: str) -> LambdaRuntime:
        """The same with the server's own interpreter, for packages that only its environment has."""
        return runtimes.own_runtime(self._lambda_directory, runtime)

    def image(self, uri: str) -> Image:
        """The environment that stands for a container image URI.

        Raises LookupError, saying what to do, when the image is unknown or not set up.
        """
        return environments.find_image(self._images_directory, uri, self._own_images)

    def make_lambda(self) -> None:
        """Every supported Lambda runtime is found from now on."""
        for runtime in runtimes.supported_runtimes():
            made = runtimes.make_runtime(self._lambda_directory, runtime)
            print(made.note or f"Functions with the runtime {runtime} run with {made.python}.", flush=True)

    def make_images(self, optional: bool = False) -> None:
        """Every image with a recipe is found from now on, or every one that is optional."""
        for recipe in environments.recipes(self._own_images):
            if recipe.optional is not optional:
                continue
            made = environments.make_image(self._images_directory, recipe)
            print(made.note or f"Containers of the image {recipe.image} run with {made.python}.", flush=True)

    @property
    def _images_directory(self) -> Path:
        return self.directory / "images"

    @property
    def _lambda_directory(self) -> Path:
        return self.directory / "lambda"


def main(parts: list[str]) -> None:
    """The named parts of the toolchain are made; all but the optional ones when none is named."""
    toolchain = Toolchain()
    makers: dict[str, Callable[[], None]] = {
        "lambda": toolchain.make_lambda,
        "images": toolchain.make_images,
        "optional-images": partial(toolchain.make_images, optional=True),
    }
    unknown = set(parts) - set(makers)
    if unknown:
        sys.exit(f"unknown part {', '.join(sorted(unknown))}: there are {', '.join(makers)}")
    for part in parts or _USUAL:
        makers[part]()


if __name__ == "__main__":
    main(sys.argv[1:])
