"""How wrong each version was, record by record: what a rollout that still goes on is judged by when truth comes."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trimtab.measures import BINARY, MULTICLASS
from trimtab.monitoring.answered import class_scores, with_truth
from trimtab.monitoring.records import EVENT, LABEL, SCORE, SCORES, TIME, VERSION

MOST = 2000
"""Losses of a version in a window; events' ids are random, so the first by id are a sample."""
FILE = "losses.json"


def kept(records: pa.Table) -> pa.Table:
    """The records with truth whose losses are kept, at most ``MOST`` of each version: the first by event."""
    known = with_truth(records)
    versions = pc.unique(known.column(VERSION)).to_pylist()
    parts = [known.filter(pc.equal(known.column(VERSION), version)) for version in versions]
    return pa.concat_tables([known.slice(0, 0), *(part.sort_by(EVENT).slice(0, MOST) for part in parts)])


def losses_by_version(records: pa.Table, problem: str) -> dict[str, list[list[Any]]]:
    """[time, event, loss] of records whose truth is known, by the version that answered, at most ``MOST`` of each.

    The loss is the squared error of a probability (0 to 1), of classes one less the true one's probability, of numbers
    the absolute error.
    """
    known = with_truth(records)
    if problem == MULTICLASS and SCORES not in known.column_names:
        return {}
    found: dict[str, list[list[Any]]] = {}
    for version in pc.unique(known.column(VERSION)).to_pylist():
        mine = known.filter(pc.equal(known.column(VERSION), version)).sort_by(EVENT).slice(0, MOST)
        times = [moment.isoformat() for moment in mine.column(TIME).to_pylist()]
        losses = _losses(mine, problem).tolist()
        found[str(version)] = [list(row) for row in zip(times, mine.column(EVENT).to_pylist(), losses, strict=True)]
    return found


def _losses(records: pa.Table, problem: str) -> NDArray[np.float64]:
    if problem == MULTICLASS:
        truth, scores, _ = class_scores(records)
        return np.nan_to_num(1 - scores[np.arange(len(truth)), truth], nan=1.0)
    away = records.column(SCORE).to_numpy() - records.column(LABEL).to_numpy().astype(float)
    return np.asarray(away**2 if problem == BINARY else np.abs(away))
