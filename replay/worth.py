"""What retraining was worth: what served in each period, beside version 1 on the very same rows."""

import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cli import packages
from cli.stage import Stage
from demo.traffic import json_lines
from replay.happenings import Deed, Replayed
from trimtab.artifact.untar import extract
from trimtab.authoring.inference import Served, model_fn
from trimtab.authoring.records import read_records
from trimtab.evaluation.directions import HIGHER_IS_BETTER
from trimtab.evaluation.kinds import Kind
from trimtab.monitoring.records import SCORE, VERSION
from trimtab.monitoring.tables import read_records as read_window
from trimtab.ports import Entry
from trimtab.spec import Spec

CHUNK = 20_000


@dataclass(frozen=True)
class Worth:
    """One period, measured on all labels that ever came."""

    period: str
    window: str
    """Id of the window that most of its rows lie in."""
    version: int
    rows: int
    served: float
    first: float
    """What version 1 has on the same rows."""

    def gained(self, metric: str) -> float:
        """How much better than version 1, whatever the metric's direction."""
        return (self.served - self.first) * (1 if HIGHER_IS_BETTER[metric] else -1) + 0.0  # no minus before a zero


def worths(stage: Stage, spec: Spec, replayed: Replayed, windows: Sequence[Entry], scratch: Path) -> Iterator[Worth]:
    """Of every period that was asked for, in order."""
    twin = _first_version(stage, spec.name, scratch)
    collected = [(entry.subject, _answers(stage, spec, str(entry.data["window"]["uri"]))) for entry in windows]
    for happening in replayed.happenings:
        if happening.deed is Deed.ASK and happening.file is not None:
            asked = pq.read_table(happening.file)
            ids = asked.column(spec.data.id).to_pylist()
            window, answers = max(collected, key=lambda pair: len(pair[1].keys() & set(ids)))
            yield _worth(happening.period, window, _Rows(asked, ids, answers), replayed.truth, twin, spec)


@dataclass(frozen=True)
class _Rows:
    asked: pa.Table
    ids: list[int]
    answers: Mapping[int, tuple[float, int]]
    """Score, and version that answered, by id."""


def _worth(period: str, window: str, rows: _Rows, truth: Mapping[int, float], twin: Served, spec: Spec) -> Worth:
    known = [place for place, row in enumerate(rows.ids) if row in rows.answers and row in truth]
    answered = [rows.answers[rows.ids[place]] for place in known]
    label = np.array([truth[rows.ids[place]] for place in known])
    served = np.array([score for score, _ in answered])
    versions = np.bincount([version for _, version in answered])
    first = served if versions[1:2].sum() == len(known) else _scores(twin, rows.asked.take(known))
    metric, kind = spec.monitoring.quality.metric, Kind(spec.problem, spec.evaluation.primary)
    measured = [kind.measure(label, score)[metric] for score in (served, first)]
    return Worth(period, window, int(versions.argmax()), len(known), *measured)


def _answers(stage: Stage, spec: Spec, uri: str) -> dict[int, tuple[float, int]]:
    """What was answered in a window, by id; the last answer where an id was asked for twice."""
    table = read_window(stage.objects, uri, [spec.data.id, SCORE, VERSION])
    rows = table.filter(pc.is_valid(table.column(VERSION)))
    columns: list[Any] = [rows.column(name).to_pylist() for name in (spec.data.id, SCORE, VERSION)]
    return {row: (score, version) for row, score, version in zip(*columns, strict=True)}


def _first_version(stage: Stage, model: str, scratch: Path) -> Served:
    """Version 1 as it was registered."""
    body = stage.objects.read(packages.find(stage, model, 1).artifact_uri)
    folder = scratch / "version-1"
    with tarfile.open(fileobj=BytesIO(body)) as artifact:
        extract(artifact, folder)
    return model_fn(str(folder))


def _scores(twin: Served, table: pa.Table) -> np.ndarray[Any, Any]:
    parts = [table.slice(start, CHUNK) for start in range(0, table.num_rows, CHUNK)]
    return np.concatenate([twin.scores(read_records(json_lines(part), twin.contract)) for part in parts])
