"""Names that the source bundle, the training job and the stacks share. Needs nothing but Python."""

SPEC_FILE = "model.json"
"""The spec as canonical JSON, at the bundle's root."""
METRICS = ("train_rows", "train_auc", "train_log_loss", "fit_seconds")
"""What a training job prints, one a line as ``name=value``."""
