"""CloudWatch: metric data with an index, alarms that are evaluated, and metrics out of log events."""

from localcloud.cloudwatch.service import install

__all__ = ["install"]
