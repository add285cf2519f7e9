"""Performance on joined truth, against what the same version had reached at evaluation."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trimtab.evaluation.directions import HIGHER_IS_BETTER
from trimtab.evaluation.kinds import Kind, class_name
from trimtab.measures import BINARY, MULTICLASS
from trimtab.monitoring.records import LABEL, SCORE, SCORES, TIME, VERSION
from trimtab.spec import Spec


@dataclass(frozen=True)
class Quality:
    """Metrics of one version in one window; None where too few labels or only one class make a metric meaningless."""

    window: str
    version: int
    n: int
    positives: int | None
    """None unless the problem is binary."""
    metrics: dict[str, float | None]
    drop: float | None
    """How far the spec's metric is worse than at evaluation; negative when it is better."""
    start: str | None
    end: str | None

    @property
    def rate(self) -> float | None:
        """Share of positives among the labelled."""
        return self.positives / self.n if self.n and self.positives is not None else None

    @property
    def judged(self) -> bool:
        """False when there was too little truth to measure."""
        return any(value is not None for value in self.metrics.values())

    def to_json(self) -> dict[str, Any]:
        """The quality as JSON values, metrics side by side."""
        found = asdict(self) | {"rate": self.rate, "judged": self.judged}
        return {**found, **self.metrics, "period": {"start": self.start, "end": self.end}}


def measure_window(
    window: str, records: pa.Table, version: int, at_evaluation: Mapping[str, float], spec: Spec
) -> Quality:
    """Quality of the records that ``version`` answered and whose truth is known."""
    mine = records.filter(pc.and_(pc.equal(records.column(VERSION), version), pc.is_valid(records.column(LABEL))))
    enough = mine.num_rows >= spec.monitoring.min_rows
    metrics = _measured(spec, mine) if enough else {}
    start, end = _period(mine, spec.data.event_time or TIME)
    return Quality(
        window=window,
        version=version,
        n=mine.num_rows,
        positives=int(mine.column(LABEL).to_numpy().sum()) if spec.problem == BINARY else None,
        metrics=metrics,
        drop=_drop(metrics, at_evaluation, spec.monitoring.quality.metric),
        start=start,
        end=end,
    )


def _measured(spec: Spec, records: pa.Table) -> dict[str, float | None]:
    """Each metric of the kind of problem on records whose truth is known.

    None at all for classes whose windows were collected before probabilities were kept.
    """
    if spec.problem != MULTICLASS:
        kind = Kind(spec.problem, spec.evaluation.primary, quantile=spec.evaluation.quantile)
        label, score = records.column(LABEL).to_numpy(), records.column(SCORE).to_numpy()
    elif SCORES not in records.column_names:
        return {}
    else:
        label, score, classes = class_scores(records)
        kind = Kind(spec.problem, spec.evaluation.primary, classes)
    return {name: _finite(value) for name, value in kind.measure(label, score).items()}


def class_scores(records: pa.Table) -> tuple[NDArray[np.intp], NDArray[np.float64], tuple[str, ...]]:
    """Positions of the true classes (n,), each class's probability (n, k), and the classes' names in order.

    Classes are those of the answers and of the truth. One that an answer does not name has probability 0, and a row
    without an answer of classes NaN.
    """
    truth = np.array([class_name(value) for value in records.column(LABEL).to_pylist()], dtype=object)
    answered = records.column(SCORES).combine_chunks()
    ends = answered.offsets.to_numpy()
    held = slice(int(ends[0]), int(ends[-1]))
    named = answered.keys[held].dictionary_encode()
    levels = named.dictionary.to_pylist()
    classes = tuple(sorted({*levels, *truth.tolist()}))
    places = {name: place for place, name in enumerate(classes)}
    scores = np.zeros((len(truth), len(classes)))
    scores[answered.is_null().to_numpy(zero_copy_only=False)] = np.nan
    columns = np.array([places[name] for name in levels], dtype=np.intp)[named.indices.to_numpy()]
    scores[np.repeat(np.arange(len(truth)), np.diff(ends)), columns] = answered.items[held].to_numpy()
    return np.array([places[name] for name in truth], dtype=np.intp), scores, classes


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _drop(metrics: Mapping[str, float | None], at_evaluation: Mapping[str, float], name: str) -> float | None:
    now, then = metrics.get(name), at_evaluation.get(name)
    if now is None or then is None:
        return None
    return then - now if HIGHER_IS_BETTER[name] else now - then


def _period(records: pa.Table, column: str) -> tuple[str | None, str | None]:
    extremes = pc.min_max(records.column(column))
    first, last = extremes["min"].as_py(), extremes["max"].as_py()
    return (first.isoformat(), last.isoformat()) if first is not None else (None, None)
