"""Metric data, indexed by metric and sorted by time, so that one look at a window does not depend on all the rest."""

from __future__ import annotations

import math
import re
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

Dimensions = tuple[tuple[str, str], ...]
Vector = list[float | None]

OLDEST_SECONDS: Final = 14 * 86400
NEWEST_SECONDS: Final = 2 * 3600
_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
_SIMPLE: Final = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")


class InvalidDatum(ValueError):
    """Raised for metric data that CloudWatch refuses."""


@dataclass(frozen=True)
class Metric:
    """The identity of a metric: data of other dimensions, even of fewer, belong to other metrics."""

    namespace: str
    name: str
    dimensions: Dimensions

    @staticmethod
    def of(namespace: str, name: str, dimensions: Iterable[dict[str, str]] | None) -> Metric:
        """The metric that an API call names."""
        return Metric(namespace, name, tuple(sorted((d["Name"], str(d["Value"])) for d in dimensions or ())))


@dataclass(frozen=True)
class Sample:
    """What one datum says: `count` values that add up to `total` and lie between `lowest` and `highest`."""

    time: float
    count: float
    total: float
    lowest: float
    highest: float


class _Series:
    """The samples of one metric in one unit, as columns sorted by time."""

    def __init__(self) -> None:
        self.times = array("d")
        self.columns = (array("d"), array("d"), array("d"), array("d"))

    def add(self, sample: Sample) -> None:
        index = len(self.times)
        if index and sample.time < self.times[-1]:
            index = bisect_right(self.times, sample.time)
        self.times.insert(index, sample.time)
        fields = (sample.count, sample.total, sample.lowest, sample.highest)
        for column, value in zip(self.columns, fields, strict=True):
            column.insert(index, value)

    def window(self, start: float, end: float) -> tuple[array[float], ...]:
        first, last = bisect_left(self.times, start), bisect_left(self.times, end)
        return tuple(column[first:last] for column in self.columns)

    def between(self, start: float, end: float) -> array[float]:
        return self.times[bisect_left(self.times, start) : bisect_left(self.times, end)]


class MetricStore:
    """All metric data of one region; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._series: dict[Metric, dict[str, _Series]] = {}

    def put(self, metric: Metric, unit: str, samples: Iterable[Sample]) -> None:
        """The samples are part of the metric."""
        with self._lock:
            series = self._series.setdefault(metric, {}).setdefault(unit, _Series())
            for sample in samples:
                series.add(sample)

    def metrics(self) -> list[Metric]:
        """Every metric that has data."""
        with self._lock:
            return list(self._series)

    def size(self, metric: Metric) -> int:
        """How many samples the metric has; it only grows, so that an equal size means unchanged data."""
        with self._lock:
            return sum(len(series.times) for series in self._series.get(metric, {}).values())

    def times(self, metric: Metric, start: float, end: float) -> set[float]:
        """When, in [start, end), the metric has samples."""
        with self._lock:
            return {time for series in self._series.get(metric, {}).values() for time in series.between(start, end)}

    def earliest(self, metric: Metric) -> float | None:
        """The time of the metric's first sample; None when it has none."""
        with self._lock:
            return min((series.times[0] for series in self._series.get(metric, {}).values()), default=None)

    def statistics(
        self, metric: Metric, stats: Iterable[str], start: float, end: float, unit: str | None = None
    ) -> dict[str, float]:
        """The statistics over [start, end) that have a value; none when there is no data."""
        counts, totals, lows, highs = self._window(metric, start, end, unit)
        if not counts:
            return {}
        values = {stat: _statistic(stat, counts, totals, lows, highs) for stat in stats}
        return {stat: value for stat, value in values.items() if value is not None}

    def vector(self, metric: Metric, stat: str, edges: list[float], unit: str | None = None) -> Vector:
        """The statistic in each interval between neighbouring edges; None where there is no data."""
        return [self.statistics(metric, (stat,), start, end, unit).get(stat) for start, end in pairwise(edges)]

    def _window(self, metric: Metric, start: float, end: float, unit: str | None) -> list[array[float]]:
        merged = [array("d") for _ in range(4)]
        with self._lock:
            for name, series in self._series.get(metric, {}).items():
                if unit is None or name == unit:
                    for column, part in zip(merged, series.window(start, end), strict=True):
                        column.extend(part)
        return merged


def put_metric_data(store: MetricStore, namespace: str, data: list[dict[str, Any]], now: float) -> None:
    """The MetricData items (Timestamp: virtual epoch seconds, default `now`) are in the store. Raises InvalidDatum."""
    checked = [(datum, list(samples_of(datum, float(datum.get("Timestamp", now))))) for datum in data]
    for datum, samples in checked:
        metric = Metric.of(namespace, datum["MetricName"], datum.get("Dimensions"))
        store.put(metric, datum.get("Unit") or "None", samples)


def check_statistic(stat: str) -> None:
    """The statistic can be computed here. Raises InvalidDatum otherwise."""
    if stat not in _SIMPLE and not _PERCENTILE.fullmatch(stat):
        raise InvalidDatum(f"The local cloud computes {', '.join(_SIMPLE)} and percentiles such as p99, not {stat}.")


def percentile(counted: list[tuple[float, float]], rank: float) -> float:
    """The value at `rank` per cent among (value, count) pairs, linear between neighbours. Needs a count above 0."""
    ordered = sorted(counted)
    position = (sum(count for _, count in ordered) - 1) * rank / 100
    lower, upper = _value_at(ordered, math.floor(position)), _value_at(ordered, math.ceil(position))
    return lower + (upper - lower) * (position - math.floor(position))


def samples_of(datum: dict[str, Any], time: float) -> Iterator[Sample]:
    """The samples of one MetricData item. Raises InvalidDatum for what CloudWatch refuses."""
    forms = [form for form in ("Value", "Values", "StatisticValues") if datum.get(form) is not None]
    if len(forms) != 1:
        raise InvalidDatum(
            "At least one and at most one of the parameters Value, Values and StatisticValues must be specified."
        )
    if forms == ["StatisticValues"]:
        yield _summary(datum["StatisticValues"], time)
        return
    values = datum["Values"] if forms == ["Values"] else [datum["Value"]]
    counts = datum.get("Counts") or [1.0] * len(values)
    if len(counts) != len(values):
        raise InvalidDatum("The parameters Values and Counts must be of the same size.")
    for value, count in zip(map(_finite, values), map(_finite, counts), strict=True):
        yield Sample(time, count, value * count, value, value)


def _summary(given: dict[str, Any], time: float) -> Sample:
    try:
        count, total = _finite(given["SampleCount"]), _finite(given["Sum"])
        return Sample(time, count, total, _finite(given["Minimum"]), _finite(given["Maximum"]))
    except KeyError as missing:
        raise InvalidDatum(f"Missing required parameter in StatisticValues: {missing}") from missing


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise InvalidDatum(f"The value {value} is invalid: NaN and infinity are not supported.")
    return number


def _statistic(
    stat: str, counts: array[float], totals: array[float], lows: array[float], highs: array[float]
) -> float | None:
    if stat == "SampleCount":
        return math.fsum(counts)
    if stat == "Sum":
        return math.fsum(totals)
    if stat == "Average":
        return math.fsum(totals) / math.fsum(counts) if any(counts) else None
    if stat == "Minimum":
        return min(lows)
    if stat == "Maximum":
        return max(highs)
    return _percentile_of(stat, counts, lows, highs)


def _percentile_of(stat: str, counts: array[float], lows: array[float], highs: array[float]) -> float | None:
    """None when a datum came as a summary of different values: their distribution is not known."""
    found = _PERCENTILE.fullmatch(stat)
    if found is None or any(low != high for low, high in zip(lows, highs, strict=True)):
        return None
    return percentile(list(zip(lows, counts, strict=True)), float(found[1]))


def _value_at(ordered: list[tuple[float, float]], position: int) -> float:
    passed = 0.0
    for value, count in ordered:
        passed += count
        if position < passed:
            return value
    return ordered[-1][0]
