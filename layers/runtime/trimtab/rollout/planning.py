"""The plan of a rollout: what will be asked of SageMaker, by which steps, and until when."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from trimtab.contracts import Plan, Promotion
from trimtab.names import VARIANT, ModelNames
from trimtab.ports import EndpointState
from trimtab.rollout.requests import create_request, update_request
from trimtab.rollout.served import served_name
from trimtab.spec.rollout import RolloutSpec
from trimtab.spec.timetable import GUARDED, is_conducted, longest_s, steps

_WITHOUT_BAKE = ("ml.inf1.",)
"""Instances on which SageMaker shifts traffic all at once and without a bake, whatever it was asked."""
_MARKETPLACE = "865070037744.dkr.ecr.us-east-1."
"""Where images of AWS Marketplace lie in us-east-1; the accounts of other regions are not published in one place."""


def plan_of(
    promotion: Promotion, names: ModelNames, rollout: RolloutSpec, live: EndpointState | None, at: datetime
) -> Plan:
    """The plan, not yet with its alarms nor its request.

    It counts from ``at``, or from the end of what changed the endpoint while it was waited for.
    """
    config = served_name(promotion, names)
    started = max(at, live.modified) if live and live.modified else at
    moves = live is not None
    return Plan(
        action="update" if moves else "create",
        endpoint=names.endpoint,
        config=config,
        previous_config=live.config if live else None,
        request=create_request(names.endpoint, config),
        alarms=(),
        steps=tuple(asdict(step) for step in steps(rollout)) if moves else (),
        started=started,
        deadline=started + timedelta(seconds=longest_s(rollout)),
        strategy=rollout.strategy if moves else "",
        conducted=moves and is_conducted(rollout),
        step_config=f"{config}-steps" if moves and rollout.moved_by == "stepped" else "",
        shadow_config=f"{config}-shadow" if moves and rollout.strategy == "shadow" else "",
        instances=_instances(rollout, live),
    )


def _instances(rollout: RolloutSpec, live: EndpointState | None) -> int:
    """Autoscaling may have made it more than the spec asks for: the new fleet is not smaller."""
    if rollout.endpoint.kind == "serverless":
        return 0
    return max(rollout.instance_count, live.counts.get(VARIANT, 0) if live else 0)


def request_of(plan: Plan, rollout: RolloutSpec) -> dict[str, Any]:
    """The request that is sent to SageMaker. Raises PlanError when SageMaker would refuse it."""
    if plan.action == "create" or rollout.moved_by not in GUARDED:
        return plan.request
    return update_request(plan.endpoint, plan.config, rollout, plan.alarms, plan.instances)


def exclusions(rollout: RolloutSpec, live: EndpointState | None, image_uri: str = "") -> Iterator[str]:
    """One sentence for each thing that SageMaker refuses, or silently does otherwise, in this combination.

    Source: SageMaker developer guide, "Deployment guardrails exclusions", "Serverless Inference" and "Shadow variants".
    """
    how = rollout.moved_by
    serverless = rollout.endpoint.kind == "serverless"
    if serverless and how in ("rolling", "stepped"):
        yield f"a serverless endpoint has one variant and no instances, so it cannot be moved by {how}: use canary"
    if live and serverless and live.counts:
        yield f"{live.name} runs on instances, and SageMaker does not make it serverless: delete it, or keep its kind"
    if live and how in GUARDED and set(live.weights) - {VARIANT}:
        yield f"{live.name} has the variants {', '.join(live.weights)}, and guardrails need '{VARIANT}' alone"
    if how in GUARDED and rollout.instance_type.startswith(_WITHOUT_BAKE):
        yield f"on {rollout.instance_type} SageMaker moves all traffic at once and without a bake: use stepped"
    if how in GUARDED and image_uri.startswith(_MARKETPLACE):
        yield "for a container of AWS Marketplace SageMaker moves all traffic at once and without a bake: use stepped"
    if how == "rolling" and rollout.instance_count == 1:
        yield "one instance cannot be replaced in batches: set rollout.instance_count to 2 or more, or use canary"
