"""Counts of two fleets over the minutes in which both could be compared."""

from collections.abc import Mapping
from datetime import datetime

from trimtab.rollout.judge import FleetCounts

Minutes = Mapping[datetime, float]


def same_window(
    new_requests: Minutes, new_errors: Minutes, old_requests: Minutes, old_errors: Minutes
) -> tuple[FleetCounts, FleetCounts]:
    """Counts of the new and of the old fleet over the minutes in which the new one had requests."""
    window = [minute for minute, requests in new_requests.items() if requests > 0]
    return _counts(window, new_requests, new_errors), _counts(window, old_requests, old_errors)


def _counts(window: list[datetime], requests: Minutes, errors: Minutes) -> FleetCounts:
    """CloudWatch publishes the two metrics apart, so errors of the newest minute may be ahead of its requests."""
    total = round(sum(requests.get(minute, 0) for minute in window))
    failed = round(sum(errors.get(minute, 0) for minute in window))
    return FleetCounts(max(total, failed), failed)
