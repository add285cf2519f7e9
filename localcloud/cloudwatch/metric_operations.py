"""PutMetricData, GetMetricData, GetMetricStatistics and ListMetrics on the metric store."""

import itertools
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from localcloud.cloud import Cloud
from localcloud.cloudwatch.alarms import Query
from localcloud.cloudwatch.expression import InvalidExpression
from localcloud.cloudwatch.metrics import (
    NEWEST_SECONDS,
    OLDEST_SECONDS,
    InvalidDatum,
    Metric,
    MetricStore,
    check_statistic,
    put_metric_data,
)
from localcloud.cloudwatch.vectors import all_vectors
from localcloud.timestamps import received, received_range

_RESPONSE: Final = "moto.cloudwatch.responses:CloudWatchResponse"
_PAGE: Final = 500
_MOST_POINTS: Final = 100_800
_MINUTE: Final = 60


def install(cloud: Cloud) -> None:
    """moto's operations on metrics are replaced by those below."""
    reason = "no percentiles, no metric math, and a scan of all data"
    for operation in (_put_metric_data, _get_metric_data, _get_metric_statistics):
        cloud.patches.replace(f"{_RESPONSE}.{operation.__name__[1:]}", _with_clock(operation, cloud), reason)
    cloud.patches.replace(f"{_RESPONSE}.list_metrics", _list_metrics, reason)


def _with_clock(operation: Any, cloud: Cloud) -> Any:
    return lambda response: operation(response, cloud)


def _put_metric_data(response: Any, cloud: Cloud) -> Any:
    from moto.cloudwatch.exceptions import InvalidParameterValue
    from moto.core.responses import EmptyResult

    now, namespace = cloud.clock.now(), response._get_param("Namespace")
    if namespace.startswith("AWS/"):
        raise InvalidParameterValue(f"The value {namespace} for parameter Namespace is invalid: AWS/ is reserved.")
    try:
        data = [{**datum, "Timestamp": _time_of(cloud, datum, now)} for datum in response._get_param("MetricData", [])]
        put_metric_data(response.cloudwatch_backend.metric_store, namespace, data, now)
    except InvalidDatum as error:
        raise InvalidParameterValue(str(error)) from error
    return EmptyResult()


def _time_of(cloud: Cloud, datum: dict[str, Any], now: float) -> float:
    given = datum.get("Timestamp")
    time = now if given is None else received(cloud.clock, epoch(given))
    if not now - OLDEST_SECONDS <= time <= now + NEWEST_SECONDS:
        raise InvalidDatum(
            "The parameter MetricData.member.Timestamp must specify a time no more than two weeks before and no more "
            f"than two hours after now, which is {_moment(now).isoformat()} on the local cloud's clock."
        )
    return time


def _get_metric_data(response: Any, cloud: Cloud) -> Any:
    from moto.cloudwatch.exceptions import ValidationError
    from moto.core.responses import ActionResult

    params = response._get_params()
    start, end = _range(cloud, params)
    try:
        queries = [_query(given) for given in params["MetricDataQueries"]]
        results = _results(queries, params, response.cloudwatch_backend.metric_store, (start, end))
    except (InvalidDatum, InvalidExpression) as error:
        raise ValidationError(str(error)) from error
    return ActionResult({"MetricDataResults": results, "Messages": []})


def _results(
    queries: list[Query], params: dict[str, Any], store: MetricStore, span: tuple[float, float]
) -> list[dict[str, Any]]:
    grid = _grid(*span, _period(queries))
    vectors = all_vectors(queries, store, grid)
    ascending = params.get("ScanBy") == "TimestampAscending"
    results = []
    for query, given in zip(queries, params["MetricDataQueries"], strict=True):
        if not query.returns:
            continue
        points = [(start, value) for start, value in zip(grid, vectors[query.id], strict=False) if value is not None]
        ordered = points if ascending else points[::-1]
        results.append(
            {
                "Id": query.id,
                "Label": given.get("Label") or (query.metric.name if query.metric else query.id),
                "Timestamps": [_moment(start) for start, _ in ordered],
                "Values": [value for _, value in ordered],
                "StatusCode": "Complete",
            }
        )
    return results


def _query(given: dict[str, Any]) -> Query:
    stat, text = given.get("MetricStat"), given.get("Expression")
    returns = given.get("ReturnData") is not False
    if (stat is None) == (text is None):
        raise InvalidDatum(f"The query {given.get('Id')} needs exactly one of MetricStat and Expression.")
    if stat is None:
        if str(text).lstrip().upper().startswith(("SELECT", "SEARCH")):
            raise InvalidDatum("The local cloud has neither Metrics Insights queries nor SEARCH expressions.")
        return Query(given["Id"], returns, None, "", int(given.get("Period") or 0), None, text)
    check_statistic(stat["Stat"])
    named = stat["Metric"]
    metric = Metric.of(named["Namespace"], named["MetricName"], named.get("Dimensions"))
    return Query(given["Id"], returns, metric, stat["Stat"], int(stat["Period"]), stat.get("Unit"), None)


def _period(queries: list[Query]) -> int:
    periods = {query.period for query in queries if query.period}
    if len(periods) != 1:
        raise InvalidDatum(f"All queries of one request need the same Period here, not {sorted(periods)}.")
    return periods.pop()


def _grid(start: float, end: float, period: int) -> list[float]:
    first = math.floor(start / period) * period
    count = math.ceil((end - first) / period)
    if count > _MOST_POINTS:
        raise InvalidDatum(f"The request asks for {count} data points per metric; {_MOST_POINTS} are the most.")
    return [float(first + period * index) for index in range(count + 1)]


def _get_metric_statistics(response: Any, cloud: Cloud) -> Any:
    from moto.cloudwatch.exceptions import InvalidParameterCombination, InvalidParameterValue
    from moto.core.responses import ActionResult

    params = response._get_params()
    simple, extended = params.get("Statistics") or [], params.get("ExtendedStatistics") or []
    if not simple and not extended:
        raise InvalidParameterCombination("Must specify either Statistics or ExtendedStatistics")
    start, end = _range(cloud, params)
    metric = Metric.of(params["Namespace"], params["MetricName"], params.get("Dimensions"))
    store, unit = response.cloudwatch_backend.metric_store, params.get("Unit")
    try:
        for stat in (*simple, *extended):
            check_statistic(stat)
        grid = _grid_from(math.floor(start / _MINUTE) * _MINUTE, end, int(params["Period"]))
    except InvalidDatum as error:
        raise InvalidParameterValue(str(error)) from error
    found = (
        (left, store.statistics(metric, (*simple, *extended), left, right, unit))
        for left, right in itertools.pairwise(grid)
    )
    points = [_datapoint(left, values, extended, unit) for left, values in found if values]
    return ActionResult({"Label": metric.name, "Datapoints": points})


def _grid_from(first: float, end: float, period: int) -> list[float]:
    return [point + first for point in _grid(0.0, end - first, period)]


def _datapoint(start: float, values: dict[str, float], extended: list[str], unit: str | None) -> dict[str, Any]:
    simple = {stat: value for stat, value in values.items() if stat not in extended}
    point = {"Timestamp": _moment(start), **simple, "Unit": unit or "None"}
    return point | (
        {"ExtendedStatistics": {stat: values[stat] for stat in extended if stat in values}} if extended else {}
    )


def _range(cloud: Cloud, params: dict[str, Any]) -> tuple[float, float]:
    from moto.cloudwatch.exceptions import InvalidParameterValue

    start, end = received_range(cloud.clock, epoch(params["StartTime"]), epoch(params["EndTime"]))
    if start >= end:
        raise InvalidParameterValue("The parameter StartTime must be less than the parameter EndTime.")
    return start, end


def _list_metrics(response: Any) -> Any:
    from moto.core.responses import ActionResult

    params = response._get_params()
    metrics = sorted(
        _matching(response.cloudwatch_backend.metric_store.metrics(), params),
        key=lambda metric: (metric.namespace, metric.name, metric.dimensions),
    )
    start = int(params.get("NextToken") or 0)
    page = [
        {
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
        }
        for metric in metrics[start : start + _PAGE]
    ]
    more = {"NextToken": str(start + _PAGE)} if len(metrics) > start + _PAGE else {}
    return ActionResult({"Metrics": page, **more})


def _matching(metrics: Iterable[Metric], params: dict[str, Any]) -> Iterable[Metric]:
    namespace, name, wanted = params.get("Namespace"), params.get("MetricName"), params.get("Dimensions") or []
    for metric in metrics:
        dimensions = dict(metric.dimensions)
        fits = all(
            item["Name"] in dimensions and item.get("Value") in (None, dimensions[item["Name"]]) for item in wanted
        )
        if fits and namespace in (None, metric.namespace) and name in (None, metric.name):
            yield metric


def epoch(moment: Any) -> float:
    """Seconds since the epoch of a timestamp parameter, which moto gives without a zone when it is in UTC."""
    if not isinstance(moment, datetime):
        return float(moment)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
