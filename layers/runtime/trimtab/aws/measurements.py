"""CloudWatch's metrics as the judge reads them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from trimtab.errors import EvidenceUnreadable
from trimtab.rollout.judge.sources import Series
from trimtab.rollout.rollback_alarms import PERIOD_S, dimension_list

_QUERIES_PER_CALL = 500

PATIENCE = Config(
    retries={"mode": "standard", "total_max_attempts": 2},
    connect_timeout=5,
    read_timeout=10,
    user_agent_extra="trimtab",
)
"""A look that cannot read is repeated within a minute; one that insists would miss the end of the bake."""


class CloudWatchMeasurements:
    """Metrics in CloudWatch, by GetMetricData: any number of them for one call."""

    def __init__(self, cloudwatch: Any) -> None:
        self._cloudwatch = cloudwatch

    @classmethod
    def connect(cls) -> "CloudWatchMeasurements":
        """With a client that asks twice at most, and does not wait for long."""
        return cls(boto3.client("cloudwatch", config=PATIENCE))

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
