"""What a version was trained on, how it scored at evaluation, and how much it leans on each feature."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trimtab.data.profile import Profile
from trimtab.ports import ObjectStore

SCORE_COLUMN = "score"
"""Name of the scores in the profile that the evaluation writes."""
SEASONS = "seasons.json"
"""File beside the profile of the training rows that has the same by period of the year or week."""


@dataclass(frozen=True)
class Baseline:
    """Profile of the training rows, profile of the scores at evaluation, weight by feature (empty when not known)."""

    profile: Profile
    scores: Profile
    weights: Mapping[str, float] = field(default_factory=dict)


def baseline_of(entries: Sequence[Mapping[str, Any]], version: int) -> Mapping[str, Any] | None:
    """The newest published baseline of a version among the data of ``baseline.published`` entries."""
    mine = [data for data in entries if int(data["version"]) == version]
    return mine[-1] if mine else None


def read_baseline(objects: ObjectStore, published: Mapping[str, Any]) -> Baseline:
    """The published baseline, and what its evaluation has found of the features' importance."""
    evaluation = published.get("evaluation_uri")
    return Baseline(
        Profile.loads(objects.read(published["baseline_uri"])),
        Profile.loads(objects.read(published["scores_profile_uri"])),
        weights_of(json.loads(objects.read(evaluation))) if evaluation else {},
    )


def weights_of(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Permutation importance by feature, 0 where shuffling did no harm; empty in a report that has none."""
    found = evaluation.get("importance") or {}
    return {name: max(lost, 0.0) if lost is not None and math.isfinite(lost) else 0.0 for name, lost in found.items()}


def beside(uri: str, name: str) -> str:
    """URI of another file in the same folder."""
    return f"{uri.rpartition('/')[0]}/{name}"
