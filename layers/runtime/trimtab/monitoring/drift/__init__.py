"""How far a window has moved from what its version learned from, whether that matters, and what is no drift at all.

observed    what is looked at of a window's rows: a mergeable value, made once
baseline    what the version was trained on, how it scored, and how much it leans on each feature
seasons     the same period of an earlier year as the reference
breaks      columns that are gone, stuck, swapped or in another unit: no drift, and nothing to train on
contract    how many values broke the contract's rules
importance  drift weighted by how much the version leans on each column
measure     all of it, as one ``Drift``
"""

from trimtab.monitoring.drift.baseline import baseline_of
from trimtab.monitoring.drift.measure import measure
from trimtab.monitoring.drift.observed import Observed
from trimtab.monitoring.drift.result import Drift

__all__ = ["Drift", "Observed", "baseline_of", "measure"]
