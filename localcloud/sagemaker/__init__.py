"""SageMaker: jobs, tuning, the model registry and endpoints, really executed."""

import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from localcloud.cloud import AdminRoute, Cloud
from localcloud.sagemaker import (
    api,
    endpoint_configs,
    endpoints,
    experiments,
    feature_groups,
    invoke,
    keeping,
    lineage,
    model_cards,
    models,
    offline_store,
    processing,
    quotas,
    refusals,
    registry,
    runtimes,
    tags,
    tracked,
    training,
    transform,
    tuning,
)
from localcloud.sagemaker.api import Regions
from localcloud.sagemaker.backlog import Backlog
from localcloud.sagemaker.errors import ApiError
from localcloud.sagemaker.metrics import FLUSH_SECONDS
from localcloud.sagemaker.service import CREDENTIALS_PATH, Operation, Region, Request
from localcloud.sagemaker.utilization import Utilization

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_CAPTURE_FLUSH_SECONDS = 1.0
OPERATIONS: dict[str, Operation] = {
    name: operation
    for module in (
        training,
        processing,
        transform,
        tuning,
        registry,
        models,
        endpoint_configs,
        endpoints,
        tags,
        tracked,
        lineage,
        experiments,
        feature_groups,
        model_cards,
        refusals,
    )
    for name, operation in module.OPERATIONS.items()
}
_NOT_ISOLATED = (
    "SageMaker without user namespaces: processing jobs are refused, and EnableNetworkIsolation only withholds "
    "credentials, it does not take the network away."
)
_regions: dict[int, Regions] = {}


def install(cloud: Cloud) -> None:
    """Metrics and captured data are sent from now on."""
    if not cloud.processes.namespaces:
        cloud.notes.append(_NOT_ISOLATED)
    shutil.rmtree(cloud.state_dir / "sagemaker", ignore_errors=True)
    regions = Regions(cloud)
    keeping.install(cloud, regions)
    cloud.unsigned_paths.add(CREDENTIALS_PATH)
    cloud.authorization.tags.others["sagemaker"] = lambda arn: regions[arn.split(":")[3]].tags.get(arn, {})
    for name, route in {"quotas": quotas.admin_route, "interrupt": training.interrupt}.items():
        cloud.admin_routes[f"sagemaker/{name}"] = _admin_route(cloud, regions, route)
    _regions[id(cloud)] = regions
    threading.Thread(target=_flush_for_ever, args=(cloud, regions), name="sagemaker-flush", daemon=True).start()


def middleware(cloud: Cloud, app: "WSGIApplication") -> "WSGIApplication":
    """SageMaker's operations and InvokeEndpoint are answered here; what moto keeps goes on to moto."""
    regions = _regions[id(cloud)]
    control_plane = api.middleware(regions, OPERATIONS, app)
    return invoke.middleware(regions, runtimes.middleware(regions, cloud.account, control_plane))


def _admin_route(cloud: Cloud, regions: Regions, route: Callable[[Region, Request], Any]) -> AdminRoute:
    """The route in the region that the body names, or the cloud's own."""

    def answer(_method: str, body: dict[str, Any]) -> Any:
        region = regions[body.pop("Region", cloud.region)]
        try:
            with region.lock:
                return route(region, body)
        except (ApiError, KeyError) as error:
            raise ValueError(str(error)) from error

    return answer


def _flush_for_ever(cloud: Cloud, regions: Regions) -> None:
    captured = time.monotonic()
    readings: dict[str, tuple[Utilization, Backlog]] = {}
    while not cloud.stopping.wait(FLUSH_SECONDS):
        due = time.monotonic() - captured >= _CAPTURE_FLUSH_SECONDS
        captured = time.monotonic() if due else captured
        for region in regions.known():
            if region.name not in readings:
                readings[region.name] = Utilization(region), Backlog(region)
            _flush(region, readings[region.name], capture=due)


def _flush(region: Region, readings: tuple[Utilization, Backlog], *, capture: bool) -> None:
    try:
        region.metrics.flush()
        for each in readings:
            each.flush()
        if capture:
            offline_store.flush(region)
            feature_groups.settle(region)
        for endpoint in list(region.endpoints.values()) if capture else []:
            endpoint.flush_capture()
            for route in endpoint.routes:
                route.fleet.cool_down()
    except Exception:  # one region's failed flush must not end the flushing of all
        print(f"SageMaker in {region.name} could not flush:", file=sys.stderr)
        traceback.print_exc()
