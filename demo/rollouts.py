"""Watching a rollout from outside: traffic weights, ledger entries, and the outcome."""

import time
from dataclasses import dataclass, field
from typing import Any

from demo.scene import Scene
from demo.traffic import SteadyLoad
from trimtab.ledger.kinds import PROMOTION_CLOSED
from trimtab.ports import Entry


@dataclass
class Rollout:
    """What was seen of one promotion."""

    version: int = 0
    outcome: str = ""
    shares: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])
    """(seconds since the approval, share of the traffic on the new fleet)."""
    sent: int = 0
    failed: int = 0


def approve(scene: Scene, package_arn: str) -> int:
    """Ledger position before the approval, which is SageMaker's plain API call."""
    mark = scene.mark()
    scene.client("sagemaker").update_model_package(
        ModelPackageArn=package_arn, ModelApprovalStatus="Approved", ApprovalDescription="approved in the demo"
    )
    scene.say(f"approved version {package_arn.rsplit('/', 1)[-1]} with sagemaker:UpdateModelPackage")
    return mark


def watch(scene: Scene, mark: int, load: SteadyLoad | None = None, *, seconds: float = 180) -> Rollout:
    """The promotion that began after ``mark``, from its start to its end; weights are printed as they shift."""
    began, told, rollout = time.monotonic(), mark, Rollout()

    def look() -> Entry | None:
        nonlocal told
        share = new_share(scene)
        if share is not None and share != rollout.shares[-1][1]:
            rollout.shares.append((time.monotonic() - began, share))
            counted = f": {load.sent} requests so far, {load.failed} failed" if load else ""
            scene.say(f"  new fleet answers {share:.0%}{counted}")
        fresh = [entry for entry in scene.entries() if entry.seq > told]
        for entry in fresh:
            scene.tell(entry)
            told = entry.seq
        return next((entry for entry in fresh if entry.kind == PROMOTION_CLOSED), None)

    closed = scene.wait("the end of the promotion", look, seconds)
    rollout.version, rollout.outcome = closed.data["version"], closed.data["outcome"]
    rollout.shares.append((time.monotonic() - began, 1.0 if rollout.outcome == "Serving" else 0.0))
    if load:
        rollout.sent, rollout.failed = load.sent, load.failed
    return rollout


def new_share(scene: Scene) -> float | None:
    """Share of the traffic on the fleet that is coming, as DescribeEndpoint tells it; None when nothing moves."""
    endpoint = described(scene)
    pending = endpoint.get("PendingDeploymentSummary") if endpoint else None
    if not pending:
        return None
    weights = [float(variant.get("CurrentWeight") or 0.0) for variant in pending["ProductionVariants"]]
    serving = [float(v.get("CurrentWeight") or 0.0) for v in endpoint.get("ProductionVariants", [])] if endpoint else []
    total = sum(weights) + sum(serving)
    return round(sum(weights) / total, 3) if total else 0.0


def described(scene: Scene) -> dict[str, Any] | None:
    """The production endpoint, or None before the first rollout."""
    sagemaker, name = scene.client("sagemaker"), scene.names.endpoint
    found = sagemaker.list_endpoints(NameContains=name)["Endpoints"]
    if all(endpoint["EndpointName"] != name for endpoint in found):
        return None
    answer: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
    return answer


def served_config(scene: Scene) -> str:
    """Name of the endpoint config that serves."""
    endpoint = described(scene)
    return str(endpoint["EndpointConfigName"]) if endpoint else ""
