"""Which way each metric is better, and what its values can be. Needs nothing but Python."""

from trimtab.measures import BINARY, METRICS, PRIMARY, Metric, names_of

HIGHER_IS_BETTER = {name: metric.higher_is_better for name, metric in METRICS.items()}
METRIC_NAMES = names_of(BINARY)

__all__ = [
    "HIGHER_IS_BETTER",
    "METRICS",
    "METRIC_NAMES",
    "PRIMARY",
    "Metric",
    "default_primary",
    "in_range",
    "names_of",
]


def default_primary(problem: str) -> str:
    """The metric that candidates of this kind are compared by when the spec does not say."""
    return PRIMARY[problem]


def in_range(name: str, value: float) -> bool:
    """Whether ``value`` is a number that the metric can have."""
    return METRICS[name].holds(value)
