"""What an evaluation is given, and what the models made of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.artifact.archive import Artifact
from trimtab.evaluation.holdout import Record, Rows
from trimtab.evaluation.kinds import Kind
from trimtab.evaluation.metrics import Floats
from trimtab.evaluation.threshold import tail

CONTRACT = "contract.json"
Json = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What is to be judged, and on what."""

    spec: Json
    run: str
    holdout: Rows
    train: Rows
    """The newest training rows: what baselines learn from and the threshold is chosen on."""
    candidate: Artifact
    champion: Artifact | None
    work: Path
    hidden: tuple[Path, ...] = ()
    """Folders that hold labels: no model may read them."""

    @property
    def seed(self) -> int:
        return int(self.spec["training"]["seed"])

    @property
    def rule(self) -> Json:
        """The spec's evaluation section."""
        return dict(self.spec["evaluation"])

    @cached_property
    def tail(self) -> Rows:
        """The training rows on which a threshold is chosen; none unless the problem is binary."""
        part = tail(len(self.train)) if self.spec["problem"] == "binary" else slice(0, 0)
        return Rows(self.train.table[part], self.train.label_column, self.train.event_time)

    @property
    def features(self) -> list[str]:
        """Columns that the candidate reads."""
        return features_of(self.candidate)

    @cached_property
    def comparable(self) -> NDArray[np.bool_]:
        """Hold-out rows that the champion has not learned from, shape (n,); none without a champion."""
        if self.champion is None:
            return np.zeros(len(self.holdout), dtype=bool)
        return self.holdout.after(_contract(self.champion).get("trained_until"))


@dataclass(frozen=True)
class Scores:
    """What each model makes of the hold-out: shape (n,), or (n, k) for classes."""

    kind: Kind
    classes: Sequence[Any]
    """The label's own values in the order of ``kind.classes``."""
    label: Floats
    candidate: Floats
    baselines: Mapping[str, Floats]
    champion: Floats | None
    champion_error: str | None
    thresholds: Mapping[str, float]
    """From which score on each model says yes, by its name."""
    shuffled: Floats
    """Candidate on the importance sample with one feature shuffled, shape (features, sample[, k])."""
    answers: Sequence[Record]
    """The candidate's, the hold-out's first."""
    latencies_ms: Floats

    @property
    def models(self) -> dict[str, Floats]:
        """Every model's scores, the candidate's first."""
        known = {"candidate": self.candidate, **self.baselines}
        return known if self.champion is None else known | {"champion": self.champion}


def features_of(artifact: Artifact) -> list[str]:
    """Columns that a model reads, by its own contract."""
    return [feature["name"] for feature in _contract(artifact)["features"]]


def _contract(artifact: Artifact) -> Json:
    return dict(json.loads((artifact.folder / CONTRACT).read_text(encoding="utf-8")))
