"""The alarms on the endpoint itself: errors, saturation, and what is unusual for the hour."""

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.constructs.alarm_limits import BELOW, FIVE_MINUTES, HOUR, LOUD, QUIET, Limit, described, make_alarm
from trimtab.names import VARIANT, ModelNames
from trimtab.spec import Spec
from trimtab.spec.alarms import Anomaly

REQUESTS, INSTANCES = "AWS/SageMaker", "/aws/sagemaker/Endpoints"
_IN_A_ROW = 3
"""A quarter of an hour, all of it beyond the limit: deployments and single bad minutes are the rollout judge's."""
_HOURS_IN_A_ROW = 2
_CORES = {"medium": 2, "large": 2, "xlarge": 4}
_BOTH = cloudwatch.ComparisonOperator.LESS_THAN_LOWER_OR_GREATER_THAN_UPPER_THRESHOLD
_UPPER = cloudwatch.ComparisonOperator.GREATER_THAN_UPPER_THRESHOLD


class ServiceAlarms:
    """Makes them in a scope. An endpoint has alarms only on metrics that its kind publishes."""

    def __init__(self, scope: Construct, *, spec: Spec, names: ModelNames) -> None:
        self._scope, self._spec, self._names = scope, spec, names
        self._settings, self.kind = spec.monitoring.alarms, spec.rollout.endpoint.kind
        self.all: list[cloudwatch.AlarmBase] = [self._errors(), self._saturation(), *self._latency(), *self._quiet()]
        self.all += [self._anomaly(name) for name in self._settings.anomalies]

    def metric(self, name: str, statistic: str, namespace: str = REQUESTS, variant: str = VARIANT) -> cloudwatch.Metric:
        """A metric of the endpoint in production, over five minutes; without a ``variant``, of the whole of it."""
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=name,
            dimensions_map={"EndpointName": self._names.endpoint} | ({"VariantName": variant} if variant else {}),
            statistic=statistic,
            period=FIVE_MINUTES,
        )

    def _requests(self) -> cloudwatch.Metric:
        """An asynchronous endpoint publishes no Invocations: requests are those whose latency was measured."""
        asynchronous = self.kind == "async"
        return self.metric("ModelLatency", "SampleCount") if asynchronous else self.metric("Invocations", "Sum")

    def _errors(self) -> cloudwatch.Alarm:
        settings = self._settings
        share = self._math(
            f"IF(errors >= {settings.min_errors}, errors / requests, 0)",
            errors=self.metric("Invocation5XXErrors", "Sum"),
            requests=self._requests(),
        )
        limit = Limit(settings.max_error_share, QUIET, _IN_A_ROW, _IN_A_ROW)
        what = f"over {settings.max_error_share:.0%} of the requests fail"
        return make_alarm(self._scope, "Errors", share, limit, described(self._spec, what, "endpoint"))

    def _saturation(self) -> cloudwatch.Alarm:
        """Requests find no room. An asynchronous endpoint is full when they wait and no instance takes them."""
        if self.kind == "async":
            limit, what = Limit(0, QUIET, _IN_A_ROW, _IN_A_ROW), "requests wait and no instance takes them"
            return make_alarm(self._scope, "Saturation", self._waiting, limit, described(self._spec, what, "endpoint"))
        used = self._used
        limit = Limit(self._settings.saturation_percent, QUIET, _IN_A_ROW, _IN_A_ROW)
        busiest = self._math(f"MAX([{', '.join(used)}])", **{name.split(" ")[0]: used[name] for name in used})
        what = f"over {self._settings.saturation_percent:g} % of its capacity is in use"
        return make_alarm(self._scope, "Saturation", busiest, limit, described(self._spec, what, "endpoint"))

    def _latency(self) -> list[cloudwatch.AlarmBase]:
        """Whoever waits this long for an answer has stopped waiting; what is slow for the hour is for anomalies."""
        most_ms = self._settings.max_latency_ms
        if most_ms is None or self.kind == "async":
            return []
        limit = Limit(most_ms * 1000, QUIET, _IN_A_ROW, _IN_A_ROW)
        what = f"one answer in a hundred takes longer than {most_ms:g} ms"
        slow = self.metric("ModelLatency", "p99")
        return [make_alarm(self._scope, "Latency", slow, limit, described(self._spec, what, "endpoint"))]

    def _quiet(self) -> list[cloudwatch.AlarmBase]:
        """Only where the spec says how much is asked."""
        least = self._settings.min_requests_per_hour
        if least is None:
            return []
        asked = self._requests().with_(period=HOUR)
        limit = Limit(least, LOUD, _HOURS_IN_A_ROW, _HOURS_IN_A_ROW, BELOW)
        what = f"the endpoint is asked less often than {least} times an hour"
        return [make_alarm(self._scope, "Throughput", asked, limit, described(self._spec, what, "endpoint"))]

    @property
    def used(self) -> list[cloudwatch.Metric]:
        """What the alarm on saturation is made of."""
        return list(self._used.values()) if self.kind != "async" else [self._waiting]

    @property
    def _waiting(self) -> cloudwatch.Metric:
        return self.metric("HasBacklogWithoutCapacity", "Minimum", variant="")

    @property
    def _used(self) -> dict[str, cloudwatch.Metric]:
        """What is used of the capacity, in per cent: expressions over metrics, each named by its first word."""
        memory = self.metric("MemoryUtilization", "Average", INSTANCES)
        if self.kind == "realtime":
            cores = cores_of(self._spec.rollout.instance_type)
            return {f"cpu / {cores}": self.metric("CPUUtilization", "Average", INSTANCES), "memory": memory}
        taken = self.metric("ServerlessConcurrentExecutionsUtilization", "Average")
        return {"taken * 100": taken, "memory": memory}

    def _anomaly(self, name: Anomaly) -> cloudwatch.AlarmBase:
        return {"latency": self._slow, "throughput": self._unusual, "errors": self._refused}[name]()

    def _slow(self) -> cloudwatch.AnomalyDetectionAlarm:
        p99 = self.metric("ModelLatency", "p99")
        return self._banded("LatencyAnomaly", p99, _UPPER, "requests are slower than is usual at this hour")

    def _unusual(self) -> cloudwatch.AnomalyDetectionAlarm:
        """Silence is a value: SageMaker publishes nothing while nobody asks."""
        counted = self._math("FILL(requests, 0)", requests=self._requests())
        return self._banded("ThroughputAnomaly", counted, _BOTH, "more or fewer requests come than usual at this hour")

    def _refused(self) -> cloudwatch.AnomalyDetectionAlarm:
        """Errors of either side, of which a service may have its usual share."""
        share = self._math(
            f"IF(refused + failed >= {self._settings.min_errors}, (refused + failed) / requests, 0)",
            refused=self.metric("Invocation4XXErrors", "Sum"),
            failed=self.metric("Invocation5XXErrors", "Sum"),
            requests=self._requests(),
        )
        return self._banded("ErrorAnomaly", share, _UPPER, "more requests are refused or fail than usual")

    def _banded(
        self, id: str, metric: cloudwatch.IMetric, comparison: cloudwatch.ComparisonOperator, what: str
    ) -> cloudwatch.AnomalyDetectionAlarm:
        return cloudwatch.AnomalyDetectionAlarm(
            self._scope,
            id,
            metric=metric,
            std_devs=self._settings.band,
            comparison_operator=comparison,
            evaluation_periods=_IN_A_ROW,
            datapoints_to_alarm=_IN_A_ROW,
            treat_missing_data=QUIET,
            alarm_description=described(self._spec, what, "endpoint"),
        )

    def _math(self, expression: str, **metrics: cloudwatch.IMetric) -> cloudwatch.MathExpression:
        return cloudwatch.MathExpression(expression=expression, using_metrics=metrics, period=FIVE_MINUTES)


def cores_of(instance_type: str) -> int:
    """Processors of an instance type, by its size: SageMaker's CPUUtilization is the sum over all of them.

    A size without a number (metal) counts as the largest there is, so that nothing rings before all are busy.
    """
    size = instance_type.rsplit(".", 1)[-1]
    times = size.removesuffix("xlarge")
    return _CORES.get(size) or 4 * (int(times) if times.isdecimal() else 48)
