"""The datasets section: how training sets are cut, and what must not leak into them."""

from typing import Annotated, Literal

from pydantic import Field

from trimtab.spec.base import Section
from trimtab.spec.data import Off


class LeakageRule(Section):
    """What would let a model be asked what it has been told. Every figure is in the dataset's leakage.json."""

    max_overlap_share: float = Field(default=0.1, ge=0, le=1)
    """Largest share of hold-out rows whose features and label equal those of a training row, over and above the share
    of training rows that have such a twin among themselves."""
    max_column_auc: float = Field(default=0.99, gt=0.5, le=1)
    """A single feature that tells the label this well (area under the ROC curve) knows it."""
    max_column_r2: float = Field(default=0.999, gt=0, le=1)
    """The same for a regression: share of the label's variance."""
    known_columns: tuple[str, ...] = ()
    """Features that may tell the label as well as they like."""
    later_columns: Annotated[Literal["refuse", "warn", "off"], Off] = "warn"
    """What a timestamp among the features does that lies after the row's event time in some rows."""


class DatasetsSpec(Section):
    """How accepted drops become a training set."""

    gap_hours: float = Field(default=0.0, ge=0)
    """Training rows this close before the hold-out are left out: when it began, their labels were not known yet."""
    max_megabytes: float = Field(default=256, gt=0)
    """Largest training set in memory (1 MB is 1,048,576 bytes). Making one takes about three times as much, and the
    function that does has 1,769 MB."""
    leakage: LeakageRule = LeakageRule()
