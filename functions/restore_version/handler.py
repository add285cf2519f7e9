"""Makes production serve an earlier version and proves it; called by the rollback machine, again and again."""

import time
from typing import Any

from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.lineage import SageMakerLineage
from trimtab.aws.registry import SageMakerRegistry
from trimtab.aws.scaler import ApplicationAutoScaling
from trimtab.contracts import Event, Rollback
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ledger.lineage_graph import Lineage
from trimtab.names import ASYNC
from trimtab.ports import Alarms, Endpoints, ModelRegistry
from trimtab.rollout.baseline import baseline_of, published
from trimtab.rollout.carried import carried_over
from trimtab.rollout.production import prepare_config
from trimtab.rollout.proof import prove, queue_of
from trimtab.rollout.restored import Restored
from trimtab.rollout.restoring import Keeping, Restoring
from trimtab.rollout.scaling import Scaler


class RestoreVersionEvent(Event):
    """A rollback that holds the lease."""

    rollback: Rollback


@entrypoint(RestoreVersionEvent)
def handler(event: RestoreVersionEvent, runtime: Runtime) -> dict[str, Any]:
    """Production serves the version and everything says so. Raises RolloutInProgress until then."""
    connected = SageMakerEndpoints.connect(), CloudWatchAlarms.connect(), SageMakerRegistry.connect()
    scaler = ApplicationAutoScaling.connect() if runtime.spec.rollout.endpoint.autoscaling else None
    return restore(event, runtime, *connected, SageMakerLineage.connect(), scaler)


def restore(
    event: RestoreVersionEvent,
    runtime: Runtime,
    endpoints: Endpoints,
    alarms: Alarms,
    registry: ModelRegistry,
    lineage: Lineage,
    scaler: Scaler | None = None,
) -> dict[str, Any]:
    """A retry gives the first attempt's answer."""
    rollback = event.rollback
    restored = Restored(rollback, event.at, runtime.names, runtime.ledger, registry, runtime.notifier, runtime.metrics)
    if found := restored.earlier():
        return dict(found)
    _make_missing(event, runtime, endpoints, Keeping(endpoints, runtime.objects, registry, runtime.ledger))
    live = Restoring(rollback, event.at, runtime.names, runtime.ledger, endpoints, alarms).look()
    answered = _proof(rollback, runtime, endpoints, live.name)
    captured, protected = _captured(endpoints, live.config), runtime.settings.protected
    carried = carried_over(live, runtime.spec.rollout, scaler, captured, protected=protected)
    evidence = {"status": live.status, "config": live.config, "request": answered}
    evidence |= {"carried": carried.told(runtime.notifier)}
    return dict(restored.serving(evidence, lineage, _baseline(rollback, runtime)))


def _baseline(rollback: Rollback, runtime: Runtime) -> dict[str, Any] | None:
    """The one that was published for the version; of a promotion that broke off before, the one it would have got."""
    found = published(runtime.ledger.entries(), rollback.to_version)
    if found is not None or rollback.promotion is None:
        return found
    try:
        return baseline_of(rollback.promotion, rollback.config, runtime.objects)
    except FileNotFoundError:
        return None


def _captured(endpoints: Endpoints, config: str) -> int | None:
    """Per cent of the requests that the restored config itself has captured."""
    capture = (endpoints.config(config) or {}).get("DataCaptureConfig", {})
    return int(capture["InitialSamplingPercentage"]) if capture.get("EnableCapture") else 0


def _make_missing(event: RestoreVersionEvent, runtime: Runtime, endpoints: Endpoints, keeping: Keeping) -> None:
    """SageMaker's model and config are there; what was gone is made again from the promotion's record."""
    rollback = event.rollback
    if missing := keeping.missing(rollback.config):
        promotion = keeping.record(rollback, missing)
        spec, capture = runtime.spec.rollout, runtime.capture("capture")
        prepare_config(endpoints, rollback.config, promotion, spec, runtime.settings, capture)
        keeping.remember(rollback, missing, event.at)


def _proof(rollback: Rollback, runtime: Runtime, endpoints: Endpoints, endpoint: str) -> dict[str, Any]:
    """Production's answer to a golden record; a version whose records are gone serves all the same."""
    if rollback.promotion is None:
        return {"status": None, "answer": "not asked: no record of its promotion names golden records"}
    try:
        requests_uri = runtime.capture(ASYNC, "requests")
        queue = queue_of(runtime.spec.rollout, endpoints, runtime.objects, requests_uri, time.sleep)
        return prove(endpoints, runtime.objects, endpoint, rollback.promotion.golden_uri, queue)
    except FileNotFoundError as gone:
        return {"status": None, "answer": f"not asked: {gone}"}
