"""Answers that are none: no number, no probability, no distribution over the classes.

One of them says nothing about the others, so it is left out of what is measured, and counted. Where they are many, the
rest is no sample of what was answered any more, and nothing is judged.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trimtab.evaluation.multiclass import are_distributions
from trimtab.measures import MULTICLASS, REGRESSION
from trimtab.monitoring.answered import probabilities
from trimtab.monitoring.records import SCORE, SCORES
from trimtab.spec import Spec


def usable(records: pa.Table, spec: Spec) -> pa.Table:
    """The records whose answer can be measured, in their order."""
    found = is_usable(records, spec)
    return records if found.all() else records.filter(pa.array(found))


def is_usable(records: pa.Table, spec: Spec) -> NDArray[np.bool_]:
    """Whether each answer is a probability, or a finite number, or names one for each class; shape (n,)."""
    if spec.problem == MULTICLASS:
        return _distributions(records)
    score = np.asarray(records.column(SCORE).to_numpy(), dtype=np.float64)
    return np.isfinite(score) if spec.problem == REGRESSION else np.asarray((score >= 0) & (score <= 1))


def _distributions(records: pa.Table) -> NDArray[np.bool_]:
    """None of a window that was kept without the classes' probabilities."""
    if SCORES not in records.column_names or not records.num_rows:
        return np.zeros(records.num_rows, dtype=bool)
    return are_distributions(probabilities(records)[0])


def too_many(unusable: int, records: int, spec: Spec) -> str:
    """Why so many answers of ``records`` that cannot be measured leave nothing to judge; empty when they do not."""
    most = spec.monitoring.quality.max_unusable
    if unusable <= most * records:
        return ""
    return f"{unusable} of {records} answers cannot be measured ({unusable / records:.1%}), more than {most:.0%}"
