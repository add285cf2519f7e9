"""Names that the source bundle, the training job and the stacks share. Needs nothing but Python."""

SPEC_FILE = "model.json"
"""The spec as canonical JSON, at the bundle's root."""
PROGRAM = "run_training.py"
"""The training job's program: runs the author's script, and says which line failed when it does."""
METRICS = ("train_rows", "train_auc", "train_log_loss", "train_primary", "fit_seconds")
"""What a training job prints, one a line as ``name=value``."""
OBJECTIVE = "validation_objective"
"""What a trial of a search prints: the metric that the search improves, on rows that the trial did not learn from."""
TRIAL_ENVIRONMENT = {"TRIMTAB_TRIAL": "1"}
"""Environment that makes a training job a trial."""
