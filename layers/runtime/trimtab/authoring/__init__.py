"""What a model's own files import. ``train(fit)`` is all that a train.py needs.

The folder also travels inside every model artifact, as the code that serves it. It needs pandas and joblib at run
time, and neither pydantic nor boto3: AWS's scikit-learn image has no pydantic, and a job has no network.
"""

from trimtab.authoring.job import Classifier, Fit, train

__all__ = ["Classifier", "Fit", "train"]
