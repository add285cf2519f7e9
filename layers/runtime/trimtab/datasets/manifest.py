"""A dataset version: what it was made of and where it was cut. Its SHA-256 is its name."""

import hashlib
from dataclasses import dataclass
from typing import Any

from trimtab.datasets.assemble import Assembled, Shape
from trimtab.datasets.split import Split, describe
from trimtab.ledger import canonical_json
from trimtab.spec import Spec

SCHEMA = 1


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


def make_manifest(spec: Spec, shape: Shape, assembled: Assembled, split: Split) -> Manifest:
    """The manifest of a split; the same files and the same spec give the same bytes."""
    train, holdout = (describe(rows, shape.label, shape.event_time) for rows in (split.train, split.holdout))
    boundary = split.boundary.isoformat() if split.boundary else None
    return Manifest(
        {
            "schema": SCHEMA,
            "model": spec.name,
            "sources": [source.describe() | {"used": used} for source, used in assembled.used],
            "window_days": shape.window_days,
            "split": {"by": shape.event_time, "boundary": boundary, "train": train, "holdout": holdout},
            "columns": list(shape.columns),
            "spec_sha256": recipe_digest(spec),
        }
    )


def recipe_digest(spec: Spec) -> str:
    """Hex SHA-256 of the parts of a spec that decide what a dataset holds."""
    training = spec.training
    recipe = {
        "data": spec.data.model_dump(mode="json"),
        "window_days": training.window_days,
        "holdout_share": training.holdout_share,
        "slices": list(spec.evaluation.columns),
    }
    return hashlib.sha256(canonical_json(recipe).encode()).hexdigest()
