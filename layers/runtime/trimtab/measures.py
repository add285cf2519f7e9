"""What each kind of problem is measured by and compared with, and how groups of people are called.

The one table that spec, jobs and gates share. It needs nothing but Python.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

BINARY: Final = "binary"
MULTICLASS: Final = "multiclass"
REGRESSION: Final = "regression"


@dataclass(frozen=True)
class Metric:
    """A metric's meaning for a gate."""

    kinds: tuple[str, ...]
    higher_is_better: bool
    low: float = 0.0
    high: float = 1.0
    """Range of its values, both ends inclusive."""

    def holds(self, value: float) -> bool:
        """Whether ``value`` can be one of this metric; NaN and infinities cannot."""
        return math.isfinite(value) and self.low <= value <= self.high


METRICS: Final[dict[str, Metric]] = {
    "auc": Metric((BINARY,), True),
    "average_precision": Metric((BINARY,), True),
    "log_loss": Metric((BINARY, MULTICLASS), False, high=math.inf),
    "brier": Metric((BINARY,), False),
    "accuracy": Metric((BINARY, MULTICLASS), True),
    "f_beta": Metric((BINARY,), True),
    "calibration_error": Metric((BINARY,), False),
    "balanced_accuracy": Metric((MULTICLASS,), True),
    "macro_f1": Metric((MULTICLASS,), True),
    "auc_macro": Metric((MULTICLASS,), True),
    "rmse": Metric((REGRESSION,), False, high=math.inf),
    "mae": Metric((REGRESSION,), False, high=math.inf),
    "mape": Metric((REGRESSION,), False, high=math.inf),
    "r2": Metric((REGRESSION,), True, low=-math.inf),
    "median_absolute_error": Metric((REGRESSION,), False, high=math.inf),
    "quantile_loss": Metric((REGRESSION,), False, high=math.inf),
}
IN_UNIT_OF_LABEL: Final = frozenset({"rmse", "mae", "median_absolute_error", "quantile_loss"})
"""Errors in the unit of the label: how much of one is bad, nobody knows who does not know the label."""
PRIMARY: Final = {BINARY: "auc", MULTICLASS: "auc_macro", REGRESSION: "rmse"}
"""What a candidate is compared by when the spec does not say."""
BASELINES: Final = {
    BINARY: ("prevalence", "logistic", "last_value"),
    MULTICLASS: ("prevalence", "logistic", "last_value"),
    REGRESSION: ("mean", "linear", "last_value"),
}
"""The simple models that a candidate can be asked to beat; ``last_value`` needs an event time."""


def score_of(answer: Mapping[str, Any]) -> float:
    """The one number by which a served answer is compared and watched: its score, or of classes the highest one.

    Raises KeyError, TypeError or ValueError for what is no answer of a model.
    """
    return float(answer["score"]) if "score" in answer else float(max(answer["scores"].values()))


def names_of(problem: str) -> tuple[str, ...]:
    """The metrics of a kind of problem, in the order of the table."""
    return tuple(name for name, metric in METRICS.items() if problem in metric.kinds)


def baselines_of(problem: str, *, timed: bool) -> tuple[str, ...]:
    """The baselines measured when the spec names none: all that the rows allow."""
    return tuple(name for name in BASELINES[problem] if timed or name != "last_value")


def group_name(value: Any) -> str:
    """How a group with this value is called: 1, 1.0 and True of a file's types are the spec's 1."""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value)


def band_names(edges: Sequence[float]) -> list[str]:
    """How the groups between ascending edges are called, one more than there are edges."""
    between = [f"{low:g} to below {high:g}" for low, high in itertools.pairwise(edges)]
    return [f"below {edges[0]:g}", *between, f"{edges[-1]:g} and more"]
