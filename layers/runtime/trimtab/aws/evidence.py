"""Where the judge's evidence lies on AWS."""

from trimtab.aws.measurements import CloudWatchMeasurements
from trimtab.rollout.judge.sources import Sources


def connect() -> Sources:
    """All sources, with this process's clients."""
    return Sources(CloudWatchMeasurements.connect())
