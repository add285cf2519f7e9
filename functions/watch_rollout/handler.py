"""Watches production until it has settled; called by the promotion machine, again and again."""

from dataclasses import asdict
from typing import Any

from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.registry import SageMakerRegistry
from trimtab.contracts import Event, Plan, Promotion, Rollout, Started
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import RolloutInProgress
from trimtab.ports import Alarms, Endpoints, ModelRegistry, Package
from trimtab.rollout.approval import is_approved
from trimtab.rollout.judge import Verdict
from trimtab.rollout.outcome import is_settled
from trimtab.rollout.production import go_back, has_begun, judge_fleets, ringing


class WatchRolloutEvent(Event):
    """A rollout that was started, or whose start was not answered."""

    promotion: Promotion
    plan: Plan
    started: Started = Started()


@entrypoint(WatchRolloutEvent)
def handler(event: WatchRolloutEvent, runtime: Runtime) -> dict[str, Any]:
    """The endpoint has settled. Raises RolloutInProgress until then."""
    connected = SageMakerEndpoints.connect(), CloudWatchAlarms.connect(), SageMakerRegistry.connect()
    return watch(event, runtime, *connected)


def watch(
    event: WatchRolloutEvent, runtime: Runtime, endpoints: Endpoints, alarms: Alarms, registry: ModelRegistry
) -> dict[str, Any]:
    """A withdrawn approval or a failed verdict sends traffic back at whatever step it is noticed."""
    plan, live = event.plan, endpoints.describe(event.plan.endpoint)
    verdict = judge_fleets(alarms, plan, runtime.spec.rollout)
    reasons = _reasons_against(registry.describe(event.promotion.package_arn), verdict)
    if reasons and go_back(endpoints, alarms, plan, live, "; ".join(reasons)):
        raise RolloutInProgress(f"{plan.endpoint} is going back: {'; '.join(reasons)}")
    if not is_settled(live):
        raise RolloutInProgress(f"{plan.endpoint} is {live.status if live else 'gone'}")
    bells = ringing(alarms, plan.alarms)
    began = has_begun(event.started, plan, live, bells)
    failure = [live.failure] if live and live.failure else []
    return Rollout(
        settled=True,
        began=began,
        reason="" if began else f"the rollout did not begin: {event.started.failure}"[:1000],
        status=live.status if live else "Deleted",
        live_config=live.config if live else None,
        causes=(*reasons, *bells, *failure),
        verdict=asdict(verdict) if verdict else None,
    ).to_json()


def _reasons_against(package: Package, verdict: Verdict | None) -> list[str]:
    withdrawn = [] if is_approved(package) else [f"no longer approved: the package is {package.status}"]
    worse = [f"the new fleet is worse: {verdict.message}"] if verdict and verdict.outcome == "fail" else []
    return withdrawn + worse
