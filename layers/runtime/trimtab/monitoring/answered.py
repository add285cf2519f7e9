"""Records of a window whose truth is known, as arithmetic reads them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trimtab.evaluation import draws
from trimtab.evaluation.bootstrap import Resampled, resample
from trimtab.evaluation.draws import Draws
from trimtab.evaluation.kinds import Kind, class_name
from trimtab.evaluation.parts import Measured
from trimtab.measures import MULTICLASS
from trimtab.monitoring.records import LABEL, SCORE, SCORES, TIME, VERSION
from trimtab.monitoring.reference import Reference
from trimtab.spec import Spec

ROUNDS = 200
MOST_ROWS = 500_000
"""More labelled records than this and a sample of so many is measured, drawn with the model's seed."""
SERVED = "served"


@dataclass(frozen=True)
class Answered:
    """Labels and scores of records that one version answered, shape (n,) or, of scores of classes, (n, k)."""

    table: pa.Table
    kind: Kind
    label: NDArray[Any]
    score: NDArray[Any]
    reference: Reference
    draws: Draws
    """How rows are drawn: in blocks of time where errors near in time are alike, as the evaluation does it."""
    seed: int

    @classmethod
    def of(cls, records: pa.Table, reference: Reference, spec: Spec) -> "Answered | None":
        """Of records with truth and usable answers; None of none."""
        if not records.num_rows:
            return None
        seed, rule = spec.training.seed, spec.evaluation
        table = sample(records, MOST_ROWS, seed)
        kind, label, score = scored(table, spec)
        times = table.column(spec.data.event_time or TIME)
        losses = kind.row_losses(label, score)
        chosen = draws.choose(kind.strata(label), _times(times), losses, rule.bootstrap, rule.block_unit)
        return cls(table, kind, label, score, reference, chosen, seed)

    def measure(self) -> Resampled:
        """Every metric with its draws, under the name SERVED."""
        ready = {SERVED: self.kind.scored(self.label, self.score, self.reference.threshold)}
        confidence, n = self.reference.confidence, len(self.label)
        return resample(ready, self.draws, rounds=ROUNDS, confidence=confidence, seed=self.seed, n=n)

    @property
    def parts(self) -> Measured:
        """The same as the evaluation measures parts of a hold-out."""
        return Measured(
            kind=self.kind,
            label=self.label,
            scores={"candidate": self.score},
            thresholds={"candidate": self.reference.threshold},
            comparable=np.zeros(len(self.label), dtype=bool),
            draws=self.draws,
            confidence=self.reference.confidence,
            seed=self.seed,
        )


def answered_by(records: pa.Table, version: int) -> pa.Table:
    """Records that ``version`` has answered."""
    return records.filter(pc.equal(records.column(VERSION), version))


def with_truth(records: pa.Table) -> pa.Table:
    """Records whose truth is known; none of a table that no truth was joined to."""
    if LABEL not in records.column_names:
        return records.slice(0, 0)
    return records.filter(pc.is_valid(records.column(LABEL)))


def sample(table: pa.Table, most: int, seed: int) -> pa.Table:
    """The table, or ``most`` of its rows in their order."""
    if table.num_rows <= most:
        return table
    rows = np.sort(np.random.default_rng([seed, 7]).choice(table.num_rows, most, replace=False))
    return table.take(pa.array(rows))


def scored(records: pa.Table, spec: Spec) -> tuple[Kind, NDArray[Any], NDArray[Any]]:
    """The kind of problem, labels and scores of records with truth."""
    rule = spec.evaluation
    if spec.problem == MULTICLASS:
        label, scores, classes = class_scores(records)
        return Kind(spec.problem, rule.primary, classes), label, scores
    kind = Kind(spec.problem, rule.primary, beta=rule.threshold.beta, quantile=rule.quantile)
    return kind, records.column(LABEL).to_numpy().astype(np.float64), records.column(SCORE).to_numpy()


def class_scores(records: pa.Table) -> tuple[NDArray[np.intp], NDArray[np.float64], tuple[str, ...]]:
    """Positions of the true classes (n,), each class's probability (n, k), and the classes' names in order.

    Classes are those of the answers and of the truth. One that an answer does not name has probability 0, and a row
    without an answer of classes NaN.
    """
    truth = np.array([class_name(value) for value in records.column(LABEL).to_pylist()], dtype=object)
    scores, classes = probabilities(records, truth.tolist())
    places = {name: place for place, name in enumerate(classes)}
    return np.array([places[name] for name in truth], dtype=np.intp), scores, classes


def probabilities(records: pa.Table, besides: list[str] | None = None) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Each class's probability (n, k) and the classes' names in order, with those of ``besides`` among them."""
    answered = records.column(SCORES).combine_chunks()
    ends = answered.offsets.to_numpy()
    held = slice(int(ends[0]), int(ends[-1]))
    named = answered.keys[held].dictionary_encode()
    levels = named.dictionary.to_pylist()
    classes = tuple(sorted({*levels, *(besides or ())}))
    places = {name: place for place, name in enumerate(classes)}
    scores = np.zeros((records.num_rows, len(classes)))
    scores[answered.is_null().to_numpy(zero_copy_only=False)] = np.nan
    columns = np.array([places[name] for name in levels], dtype=np.intp)[named.indices.to_numpy()]
    scores[np.repeat(np.arange(records.num_rows), np.diff(ends)), columns] = answered.items[held].to_numpy()
    return scores, classes


def _times(column: pa.ChunkedArray) -> NDArray[np.datetime64] | None:
    """Event times, None when some are missing: blocks of time are then not known."""
    if column.null_count:
        return None
    return np.asarray(column.to_numpy()).astype("datetime64[us]")
