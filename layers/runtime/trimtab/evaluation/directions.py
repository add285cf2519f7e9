"""Which way each metric is better. Needs nothing but Python."""

HIGHER_IS_BETTER = {"auc": True, "average_precision": True, "accuracy": True, "log_loss": False, "brier": False}
METRIC_NAMES = tuple(HIGHER_IS_BETTER)
