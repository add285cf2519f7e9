"""CloudWatch's metrics as the judge reads them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trimtab.aws.session import client
from trimtab.errors import EvidenceUnreadable
from trimtab.rollout.judge.sources import Series
from trimtab.rollout.rollback_alarms import PERIOD_S, dimension_list

_QUERIES_PER_CALL = 500


class CloudWatchMeasurements:
    """Metrics in CloudWatch, by GetMetricData: any number of them for one call."""

    def __init__(self, cloudwatch: Any) -> None:
        self._cloudwatch = cloudwatch

    @classmethod
    def connect(cls) -> "CloudWatchMeasurements":
        """With this process's client."""
        return cls(client("cloudwatch"))

    def series(self, wanted: Sequence[Series], start: datetime, end: datetime) -> list[dict[datetime, float]]:
        found: list[dict[datetime, float]] = [{} for _ in wanted]
        try:
            for first in range(0, len(wanted), _QUERIES_PER_CALL):
                for result in self._results(wanted[first : first + _QUERIES_PER_CALL], start, end):
                    place = first + int(result["Id"].removeprefix("m"))
                    found[place] |= dict(zip(map(_utc, result["Timestamps"]), result["Values"], strict=True))
        except (ClientError, BotoCoreError) as error:
            raise EvidenceUnreadable(f"CloudWatch did not answer GetMetricData: {error}") from error
        return found

    def _results(self, wanted: Sequence[Series], start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
        queries = [_query(f"m{number}", series) for number, series in enumerate(wanted)]
        pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=start, EndTime=end, ScanBy="TimestampAscending"
        )
        for page in pages:
            yield from page["MetricDataResults"]


def _query(name: str, series: Series) -> dict[str, Any]:
    metric = {
        "Namespace": series.namespace,
        "MetricName": series.metric,
        "Dimensions": dimension_list(series.dimensions),
    }
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": PERIOD_S, "Stat": series.statistic}}


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
