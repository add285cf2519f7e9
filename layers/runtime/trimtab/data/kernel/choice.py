"""Which kernel this process uses."""

import os
import sys
import warnings
from pathlib import Path
from typing import Final

from trimtab.data.kernel.arrays import ArrayKernel
from trimtab.data.kernel.compiled import CompiledKernel, DamagedLibraryError
from trimtab.data.kernel.protocol import Kernel

FOLDER: Final = "trimtab_kernel"
"""Beside this library in the Lambda layers, and among the packages of the laptop's environment."""


def kernel() -> Kernel:
    """The same one every time: compiled if there is a library for this machine, else NumPy's."""
    global _chosen
    if _chosen is None:
        _chosen = found(sys.path)
    return _chosen


def use(chosen: Kernel) -> None:
    """This process uses that kernel from now on."""
    global _chosen
    _chosen = chosen


_chosen: Kernel | None = None


def library_name() -> str:
    """The file of a library for this operating system and processor."""
    system = os.uname()
    return f"columns-{system.sysname.lower()}-{system.machine}.so"


def found(folders: list[str]) -> Kernel:
    """The first library in the folders that names this machine. One that is damaged is warned of and not used."""
    for folder in folders:
        path = Path(folder, FOLDER, library_name())
        if path.is_file():
            try:
                return CompiledKernel(path)
            except DamagedLibraryError as error:
                warnings.warn(
                    f"{path} is damaged: {error}. The same is done with NumPy, which takes longer. On a laptop run "
                    "'make setup', on AWS deploy again",
                    RuntimeWarning,
                    stacklevel=2,
                )
                break
    return ArrayKernel()
