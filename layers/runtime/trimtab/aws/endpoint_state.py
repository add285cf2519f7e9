"""An endpoint's state out of the answer of DescribeEndpoint."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from trimtab.ports import EndpointState

_BAKING = "Baking"


def endpoint_state(found: Mapping[str, Any]) -> EndpointState:
    """The state; what SageMaker leaves out is empty or None."""
    variants, pending = found.get("ProductionVariants", []), found.get("PendingDeploymentSummary", {})
    capture = found.get("DataCaptureConfig") or {}
    return EndpointState(
        name=found["EndpointName"],
        status=found["EndpointStatus"],
        config=found["EndpointConfigName"],
        pending_config=pending.get("EndpointConfigName"),
        failure=found.get("FailureReason", ""),
        modified=found.get("LastModifiedTime"),
        weights={each["VariantName"]: float(each.get("DesiredWeight", 0)) for each in variants},
        counts={
            each["VariantName"]: each["DesiredInstanceCount"] for each in variants if "DesiredInstanceCount" in each
        },
        pending_share=_pending_share(variants, pending.get("ProductionVariants", [])) if pending else None,
        baking_since=_baking_since(pending.get("ProductionVariants", [])),
        capture_percent=capture.get("CurrentSamplingPercentage") if capture.get("EnableCapture") else None,
    )


def _pending_share(serving: list[dict[str, Any]], pending: list[dict[str, Any]]) -> float:
    """Both fleets' CurrentWeight are parts of the same whole. That AWS counts so is read from the API, not tried."""
    coming = sum(float(each.get("CurrentWeight") or 0) for each in pending)
    total = coming + sum(float(each.get("CurrentWeight") or 0) for each in serving)
    return coming / total if total else 0.0


def _baking_since(pending: list[dict[str, Any]]) -> datetime | None:
    """Start of the newest status of the fleet that is coming, when it is that of baking."""
    statuses = [status for each in pending for status in each.get("VariantStatus", [])]
    if not statuses or statuses[-1]["Status"] != _BAKING or "StartTime" not in statuses[-1]:
        return None
    started: datetime = statuses[-1]["StartTime"]
    return started.astimezone(UTC)
