"""EventBridge: patterns, targets with their roles, retries and dead-letter queues, and everything scheduled."""

from localcloud.eventbridge.service import install

__all__ = ["install"]
