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
from trimtab.evaluation.metrics import THRESHOLD, Floats
from trimtab.evaluation.threshold import Chosen, stored_choice, tail
from trimtab.measures import BINARY

CONTRACT = "contract.json"
Json = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What is to be judged, and on what."""

    spec: Json
    run: str
    holdout: Rows
    train: Rows
    """The newest training rows: what baselines learn from."""
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

    @property
    def fixed_threshold(self) -> Chosen | None:
        """What model.yaml says, one half for a problem without a threshold; None where one has to be chosen."""
        value = self.rule["threshold"]["value"]
        if value is None and self.spec["problem"] == BINARY:
            return None
        return Chosen(THRESHOLD if value is None else float(value), 0, None)

    def brought(self, artifact: Artifact) -> Chosen | None:
        """The threshold that needs no look at the training rows' tail: the fixed one, or the artifact's own."""
        return self.fixed_threshold or stored_choice(artifact.folder, float(self.rule["threshold"]["beta"]))

    @cached_property
    def tail(self) -> Rows:
        """The newest training rows, on which thresholds are chosen that no artifact brings; none where one is fixed."""
        return self._part(tail(len(self.train)) if self.fixed_threshold is None else slice(0, 0))

    @cached_property
    def head(self) -> Rows:
        """The training rows before the tail."""
        return self._part(slice(0, len(self.train) - len(self.tail)))

    def _part(self, part: slice) -> Rows:
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
    chosen: Mapping[str, Chosen]
    """From which score on each model says yes, by its name."""
    shuffled: Floats
    """Candidate on the importance sample with one feature shuffled, shape (features, sample[, k])."""
    answers: Sequence[Record]
    """The candidate's, the hold-out's first."""
    latencies_ms: Floats

    @property
    def thresholds(self) -> dict[str, float]:
        """The same as numbers."""
        return {name: each.value for name, each in self.chosen.items()}

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
