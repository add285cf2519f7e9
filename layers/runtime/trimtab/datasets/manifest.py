"""A dataset version: what it was made of and where it was cut. Its SHA-256 is its name."""

import hashlib
from dataclasses import dataclass
from typing import Any

from trimtab.datasets.assemble import Assembled
from trimtab.datasets.content import content_digest
from trimtab.datasets.recipe import Recipe
from trimtab.datasets.split import Split, describe
from trimtab.ledger import canonical_json
from trimtab.spec import Spec

SCHEMA = 2
SIDES = ("train", "holdout")


@dataclass(frozen=True)
class Manifest:
    """The record from which the same dataset can be made again."""

    content: dict[str, Any]

    @property
    def body(self) -> bytes:
        return canonical_json(self.content).encode()

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the body: the dataset version's name."""
        return hashlib.sha256(self.body).hexdigest()


def make_manifest(model: str, recipe: Recipe, assembled: Assembled, split: Split) -> Manifest:
    """The manifest of a split; the same files and the same recipe give the same bytes."""
    shape = recipe.shape
    sides = {side: describe(getattr(split, side), shape.label, shape.event_time, recipe.problem) for side in SIDES}
    boundary = split.boundary.isoformat() if split.boundary else None
    return Manifest(
        {
            "schema": SCHEMA,
            "model": model,
            "sources": [source.describe() | {"used": used} for source, used in assembled.used],
            "window_days": shape.window_days,
            "window_start": assembled.start.isoformat() if assembled.start else None,
            "split": {"by": shape.event_time, "boundary": boundary, **sides},
            "columns": list(shape.columns),
            "content": {side: content_digest(getattr(split, side)) for side in SIDES},
            "recipe": recipe.to_json(),
            "spec_sha256": recipe.digest,
        }
    )


def recipe_digest(spec: Spec) -> str:
    """Hex SHA-256 of the parts of a spec that decide what a dataset holds."""
    return Recipe.of_spec(spec).digest
