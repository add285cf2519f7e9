"""CloudWatch in moto with our metric store, our alarms and their evaluation behind its operations."""

from collections.abc import Iterator
from typing import Any, Final

from localcloud.cloud import Cloud
from localcloud.cloudwatch import alarm_operations, logs, metric_operations
from localcloud.cloudwatch.alarms import AlarmBook
from localcloud.cloudwatch.evaluator import Evaluator
from localcloud.cloudwatch.keeping import Keeping
from localcloud.cloudwatch.metrics import MetricStore, put_metric_data
from localcloud.cloudwatch.notices import Notices
from localcloud.cloudwatch.queue_metrics import QueueMetrics

_BACKEND: Final = "moto.cloudwatch.models:CloudWatchBackend"


def install(cloud: Cloud) -> None:
    """Metrics and logs are taken in, alarms are evaluated, `cloud.put_metrics` and `cloud.write_logs` work."""
    _install_stores(cloud)
    notices = Notices(cloud)
    evaluator = Evaluator(cloud, _regions, notices)

    def put_metrics(namespace: str, data: list[dict[str, Any]], *, region: str | None = None) -> None:
        store = _backend(cloud, region or cloud.region).metric_store
        put_metric_data(store, namespace, data, cloud.clock.now())

    cloud.put_metrics = put_metrics
    metric_operations.install(cloud)
    alarm_operations.install(cloud, evaluator)
    logs.install(cloud)
    notices.start()
    cloud.durable.after_load(evaluator.start)  # half-loaded data would look like silence
    cloud.durable.after_load(QueueMetrics(cloud).start)


def _install_stores(cloud: Cloud) -> None:
    kept = Keeping(cloud)

    def __init__(backend: Any, region_name: str, account_id: str) -> None:
        original(backend, region_name, account_id)
        backend.alarms = AlarmBook(f"arn:aws:cloudwatch:{region_name}:{account_id}:alarm:")
        backend.alarms.lock = kept.lock(account_id, region_name)
        backend.metric_store = kept.store(account_id, region_name)

    original = cloud.patches.replace(f"{_BACKEND}.__init__", __init__, "scans a list of all data for every question")


def _backend(cloud: Cloud, region: str) -> Any:
    from moto.cloudwatch.models import cloudwatch_backends

    return cloudwatch_backends[cloud.account][region]


def _regions() -> Iterator[tuple[str, AlarmBook, MetricStore]]:
    from moto.cloudwatch.models import cloudwatch_backends

    for regions in list(cloudwatch_backends.values()):
        for region, backend in list(regions.items()):
            yield region, backend.alarms, backend.metric_store
