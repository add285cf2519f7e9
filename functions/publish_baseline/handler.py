"""Ties monitoring to the version that serves now; called by the promotion machine after Serving was confirmed."""

from typing import Any

from trimtab.contracts import Confirmation, Event, Promotion
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.rollout.baseline import baseline_of, record_baseline


class PublishBaselineEvent(Event):
    """A promotion whose version serves."""

    promotion: Promotion
    confirmation: Confirmation


@entrypoint(PublishBaselineEvent)
def handler(event: PublishBaselineEvent, runtime: Runtime) -> dict[str, Any]:
    """Later windows of this version are compared with its training rows, its scores and its evaluation."""
    baseline = baseline_of(event.promotion, event.confirmation.live_config or "", runtime.objects)
    return record_baseline(runtime.ledger, event.promotion.id, baseline, event.at, "publish_baseline")
