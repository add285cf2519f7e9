"""CloudWatch in moto with our metric store, our alarms and their evaluation behind its operations."""

from collections.abc import Iterator
from typing import Any, Final

from localcloud.cloud import Cloud
from localcloud.cloudwatch import alarm_operations, logs, metric_operations
from localcloud.cloudwatch.alarms import AlarmBook
from localcloud.cloudwatch.evaluator import Evaluator
from localcloud.cloudwatch.keeping import Keeping
from localcloud.cloudwatch.metrics import Metric, MetricStore, samples_of
from localcloud.cloudwatch.notices import Notices
from localcloud.cloudwatch.queue_metrics import QueueMetrics

_BACKEND: Final = "moto.cloudwatch.models:CloudWatchBackend"


def install(cloud: Cloud) -> None:
    """Metrics and logs are taken in, alarms are evaluated, `cloud.put_metrics` and `cloud.write_logs` work."""
    _install_stores(cloud)
    notices = Notices(cloud)
    evaluator = Evaluator(cloud, _regions, notices)

    def put_data(namespace: str, data: list[dict[str, Any]], region: str) -> None:
        store = _backend(cloud, region).metric_store
        put_metric_data(store, namespace, data, cloud.clock.now())

    def put_metrics(namespace: str, data: list[dict[str, Any]], *, region: str | None = None) -> None:
        put_data(namespace, data, region or cloud.region)

    cloud.put_metrics = put_metrics
    metric_operations.install(cloud)
    alarm_operations.install(cloud, evaluator)
    logs.install(cloud, put_data)
    notices.start()
    evaluator.start()
    QueueMetrics(cloud).start()


def put_metric_data(store: MetricStore, namespace: str, data: list[dict[str, Any]], now: float) -> None:
    """The MetricData items (Timestamp: virtual epoch seconds, default `now`) are in the store. Raises InvalidDatum."""
    checked = [(datum, list(samples_of(datum, float(datum.get("Timestamp", now))))) for datum in data]
    for datum, samples in checked:
        metric = Metric.of(namespace, datum["MetricName"], datum.get("Dimensions"))
        store.put(metric, datum.get("Unit") or "None", samples)


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
