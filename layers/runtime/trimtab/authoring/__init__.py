"""What a model's own files import. ``train(fit)`` is all that a train.py needs.

The folder also travels inside every model artifact, as the code that serves it. It needs numpy at
run time, and neither pydantic nor boto3: AWS's scikit-learn image has no pydantic, and a job has no network.
"""

from trimtab.authoring.checkpoints import checkpoint_folder, keep, newest
from trimtab.authoring.classes import balanced_weights, restore_odds
from trimtab.authoring.cluster import cluster
from trimtab.authoring.job import Classifier, Fit, train
from trimtab.authoring.trial import report_objective

__all__ = [
    "Classifier",
    "Fit",
    "balanced_weights",
    "checkpoint_folder",
    "cluster",
    "keep",
    "newest",
    "report_objective",
    "restore_odds",
    "train",
]
