"""pyarrow imports pandas with its first array where it is installed, for half a second. No command needs it."""

import sys
from importlib.abc import MetaPathFinder


class _WithoutPandas(MetaPathFinder):
    def find_spec(self, fullname: str, _path: object, _target: object = None) -> None:
        # None in sys.modules is no way: what is compiled takes it for the module
        if fullname == "pandas":
            raise ModuleNotFoundError("commands do not import pandas", name=fullname)


def install() -> None:
    """Nobody in this process can import pandas."""
    sys.meta_path.insert(0, _WithoutPandas())
