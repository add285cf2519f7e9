"""Ties monitoring to the version that serves now; called by the promotion machine after Serving was confirmed."""

import json
import math
from typing import Any

from trimtab.contracts import Confirmation, Event, Promotion
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.rollout.conclusion import record_baseline


class PublishBaselineEvent(Event):
    """A promotion whose version serves."""

    promotion: Promotion
    confirmation: Confirmation


@entrypoint(PublishBaselineEvent)
def handler(event: PublishBaselineEvent, runtime: Runtime) -> dict[str, Any]:
    """Later windows of this version are compared with its training rows, its scores and its evaluation."""
    evaluation = json.loads(runtime.objects.read(event.promotion.evaluation_uri))
    measured = evaluation["metrics"]["candidate"]
    metrics = {name: float(value) for name, value in measured.items() if _is_number(value)}
    config = event.confirmation.live_config or ""
    return record_baseline(runtime.ledger, event.promotion, config, metrics, event.at, "publish_baseline")


def _is_number(value: Any) -> bool:
    """Whether it is a metric that was measured; of classes, each one's own figures stand beside the metrics."""
    return isinstance(value, int | float) and math.isfinite(value)
