"""Says what is served after a rollout, and proves it; called by the promotion machine when the endpoint has settled."""

import time
from typing import Any

from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.lineage import SageMakerLineage
from trimtab.aws.registry import SageMakerRegistry
from trimtab.aws.scaler import ApplicationAutoScaling
from trimtab.contracts import Confirmation, Event, Plan, Promotion, Rollout
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ledger.lineage_graph import Lineage
from trimtab.names import ASYNC
from trimtab.ports import Endpoints, ModelRegistry
from trimtab.rollout.carried import carried_over
from trimtab.rollout.conclusion import Conclusion
from trimtab.rollout.deployment import Deployment
from trimtab.rollout.outcome import outcome_of
from trimtab.rollout.proof import prove, queue_of
from trimtab.rollout.scaling import Scaler

ACTOR = "confirm_serving"


class ConfirmServingEvent(Event):
    """A rollout that has settled, one way or the other."""

    promotion: Promotion
    plan: Plan
    rollout: Rollout


@entrypoint(ConfirmServingEvent)
def handler(event: ConfirmServingEvent, runtime: Runtime) -> dict[str, Any]:
    """Ledger, registry, lineage and people know the outcome."""
    connected = SageMakerEndpoints.connect(), SageMakerRegistry.connect(), SageMakerLineage.connect()
    scaler = ApplicationAutoScaling.connect() if runtime.spec.rollout.endpoint.autoscaling else None
    return confirm(event, runtime, *connected, scaler)


def confirm(
    event: ConfirmServingEvent,
    runtime: Runtime,
    endpoints: Endpoints,
    registry: ModelRegistry,
    lineage: Lineage,
    scaler: Scaler | None = None,
) -> dict[str, Any]:
    """Told by the live config's name; a retry gives the first attempt's answer."""
    page = runtime.artifact("rollouts", event.promotion.tag, "report.html")
    conclusion = Conclusion(
        event.promotion, event.at, runtime.ledger, registry, runtime.notifier, runtime.metrics, ACTOR, page
    )
    if found := conclusion.earlier():
        return found.to_json()
    live = endpoints.describe(event.plan.endpoint)
    seen = outcome_of(event.plan.config, live, event.rollout.causes)
    champion = runtime.ledger.state("champion") or {"version": 0}
    version = event.promotion.version if seen.outcome == "Serving" else int(champion["version"])
    confirmation = Confirmation(outcome=seen.outcome, reason=seen.reason, live_config=seen.live_config, version=version)
    if live is not None and seen.outcome == "Serving":
        rollout, requests_uri = runtime.spec.rollout, runtime.capture(ASYNC, "requests")
        queue = queue_of(rollout, endpoints, runtime.objects, requests_uri, time.sleep)
        evidence = prove(endpoints, runtime.objects, live.name, event.promotion.golden_uri, queue)
        evidence |= {
            "carried": carried_over(live, rollout, scaler, protected=runtime.settings.protected).told(runtime.notifier)
        }
        deployed = Deployment(conclusion.champion(confirmation), event.plan.endpoint, event.promotion.id)
        evidence |= {"verdict": event.rollout.verdict, "lineage": deployed.note(lineage)}
        conclusion.serving(confirmation, evidence)
    else:
        conclusion.rolled_back(confirmation)
    return confirmation.to_json()
