"""The author's own transformations, from features.py beside train.py or in a model artifact's code."""

import hashlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trimtab.features.step import FeatureError

AUTHOR_FILE = "features.py"


@dataclass(frozen=True)
class Author:
    """What features.py defines."""

    names: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    sha256: str | None = None
    """Of the file; None when there is none."""

    @classmethod
    def of_folder(cls, folder: Path) -> "Author":
        """The functions and classes of ``folder/features.py``; nothing when the file does not exist."""
        path = folder / AUTHOR_FILE
        if not path.exists():
            return cls()
        found = importlib.util.spec_from_file_location("trimtab_author_features", path)
        assert found is not None
        assert found.loader is not None
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
        return cls(vars(module), hashlib.sha256(path.read_bytes()).hexdigest())

    def named(self, name: str) -> Callable[..., Any]:
        """The function or class of that name. Raises FeatureError that says where it was looked for."""
        found = self.names.get(name)
        if not callable(found):
            where = "there is no features.py" if self.sha256 is None else "features.py does not define it"
            raise FeatureError(f"custom transformation '{name}': {where}")
        return found
