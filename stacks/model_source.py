"""A model as its author wrote it: a folder with model.yaml and a training script."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stacks.packaging import ROOT
from trimtab.authoring.bundle import build_bundle
from trimtab.errors import SpecError
from trimtab.spec import Spec, load_spec_file

MODELS = ROOT / "models"
SPEC_FILE = "model.yaml"


@dataclass(frozen=True)
class ModelSource:
    """The folder of a model and what it says."""

    folder: Path

    @cached_property
    def spec(self) -> Spec:
        return load_spec_file(self.folder / SPEC_FILE)

    def bundle(self) -> bytes:
        """The archive that training and evaluation run from."""
        library = ROOT / "layers" / "runtime" / "trimtab"
        return build_bundle(self.folder, library, self.spec.canonical_json(), self.spec.training.entry_point)


def find_models(chosen: Sequence[str] = ()) -> list[ModelSource]:
    """Models by name (folders under models/) or by path; all of models/ when none is chosen.

    Raises SpecError when a chosen one does not exist, or when two have the same name.
    """
    folders = [_folder(name) for name in chosen] if chosen else sorted(p.parent for p in MODELS.glob(f"*/{SPEC_FILE}"))
    sources = [ModelSource(folder) for folder in folders]
    names = [source.spec.name for source in sources]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SpecError(f"two models are called {', '.join(sorted(twice))}: give each its own name in model.yaml")
    return sources


def _folder(chosen: str) -> Path:
    folder = MODELS / chosen if "/" not in chosen else ROOT / chosen
    if not (folder / SPEC_FILE).is_file():
        known = ", ".join(sorted(path.parent.name for path in MODELS.glob(f"*/{SPEC_FILE}")))
        raise SpecError(f"there is no {folder / SPEC_FILE}; models/ holds: {known or 'nothing yet'}")
    return folder
