"""Declared transformations: fitted on the training rows, kept as JSON, and run again by the same code at serving.

Travels in the jobs' source bundle and inside every model artifact that uses it. Needs numpy, pandas and Python.
"""

from trimtab.features.fitted import FEATURES_FILE, FittedFeatures
from trimtab.features.learn import learn_features
from trimtab.features.training import Training

__all__ = ["FEATURES_FILE", "FittedFeatures", "Training", "learn_features"]
